//! The `crate::sync` of this program: the locks, condition variables and atomics of the pool, under loom.
//!
//! In a model they are loom's, elsewhere the standard library's, so the tests beside the code also pass here.
//!
//! loom treats a sequentially consistent access as acquire and release, which would find faults that do not exist: a
//! store may then be overtaken by a later load. Here a fence stands between a sequentially consistent store and the
//! next sequentially consistent load of the same thread, and nowhere else. This is never stronger than C++ and Rust
//! promise. It is weaker where two threads see the stores of two others in different orders; no protocol here relies on
//! these. Any access or fence can be made weaker, to show that it is needed: see `explore`.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex as StdMutex, MutexGuard as StdMutexGuard, PoisonError};
use std::time::Duration;

use loom::sync as loomed;

use crate::explore::{is_exploring, pass_time};

/// A lock.
pub(crate) enum Mutex<T> {
    Std(StdMutex<T>),
    Loom(loomed::Mutex<T>),
}

/// A lock that is held.
pub(crate) enum MutexGuard<'m, T> {
    Std(StdMutexGuard<'m, T>),
    Loom(loomed::MutexGuard<'m, T>),
}

/// A condition variable.
pub(crate) enum Condvar {
    Std(std::sync::Condvar),
    Loom(loomed::Condvar),
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        if is_exploring() {
            Self::Loom(loomed::Mutex::new(value))
        } else {
            Self::Std(StdMutex::new(value))
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Std(guard) => guard,
            Self::Loom(guard) => guard,
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Std(guard) => guard,
            Self::Loom(guard) => guard,
        }
    }
}

impl Condvar {
    pub(crate) fn new() -> Self {
        if is_exploring() {
            Self::Loom(loomed::Condvar::new())
        } else {
            Self::Std(std::sync::Condvar::new())
        }
    }

    pub(crate) fn notify_one(&self) {
        match self {
            Self::Std(condition) => condition.notify_one(),
            Self::Loom(condition) => condition.notify_one(),
        }
    }

    pub(crate) fn notify_all(&self) {
        match self {
            Self::Std(condition) => condition.notify_all(),
            Self::Loom(condition) => condition.notify_all(),
        }
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

#[track_caller]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex {
        Mutex::Std(mutex) => MutexGuard::Std(mutex.lock().unwrap_or_else(PoisonError::into_inner)),
        Mutex::Loom(mutex) => {
            crate::explore::note(&std::panic::Location::caller());
            MutexGuard::Loom(mutex.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

pub(crate) fn wait<'m, T>(condition: &Condvar, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
    match (condition, guard) {
        (Condvar::Std(condition), MutexGuard::Std(guard)) => MutexGuard::Std(
            condition
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner),
        ),
        (Condvar::Loom(condition), MutexGuard::Loom(guard)) => MutexGuard::Loom(
            condition
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner),
        ),
        _ => panic!("a lock in a model and a condition outside of it"),
    }
}

/// Time passes: other threads continue.
pub(crate) fn sleep(duration: Duration) {
    if is_exploring() {
        pass_time();
    } else {
        std::thread::sleep(duration);
    }
}

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::Ordering;

    use loom::sync::atomic as loomed;

    use crate::explore::{is_exploring, is_weakened, set_ordered, take_ordered};

    /// A fence; if it is weakened, it has no effect.
    #[track_caller]
    pub(crate) fn fence(order: Ordering) {
        if !is_exploring() {
            std::sync::atomic::fence(order);
        } else if !is_weakened() {
            take_ordered();
            loomed::fence(order);
        }
    }

    /// The kinds of accesses; each kind has its own weaker orders.
    #[derive(Clone, Copy)]
    enum Access {
        Load,
        Store,
        Both,
    }

    /// Makes an access of this order in a model. There is no access while a panic that has ended the model drops its
    /// values.
    #[track_caller]
    fn access<R: Default>(kind: Access, order: Ordering, make: impl FnOnce(Ordering) -> R) -> R {
        if std::thread::panicking() {
            return R::default();
        }
        let is_weakened = order != Ordering::Relaxed && is_weakened();
        let is_ordered = order == Ordering::SeqCst && !is_weakened;
        // A store is ordered with a later load if both are so, by a fence that stands right before the load, or before
        // an unordered store in between. The other pairs are ordered by acquire and release.
        let is_fence_due = match kind {
            Access::Load => is_ordered,
            Access::Store | Access::Both => !is_ordered,
        };
        if is_fence_due && take_ordered() {
            loomed::fence(Ordering::SeqCst);
        }
        if is_ordered && !matches!(kind, Access::Load) {
            set_ordered();
        }
        let order = match (order, kind) {
            (Ordering::SeqCst, _) if is_ordered => Ordering::SeqCst,
            (Ordering::SeqCst, Access::Load) => Ordering::Acquire,
            (Ordering::SeqCst, Access::Store) => Ordering::Release,
            (Ordering::SeqCst, Access::Both) => Ordering::AcqRel,
            _ if is_weakened => Ordering::Relaxed,
            (order, _) => order,
        };
        make(order)
    }

    macro_rules! atomic {
        ($name:ident, $value:ty) => {
            /// An atomic of the pool.
            #[derive(Debug)]
            pub(crate) enum $name {
                Std(std::sync::atomic::$name),
                Loom(loomed::$name),
            }

            impl $name {
                pub(crate) fn new(value: $value) -> Self {
                    if is_exploring() {
                        Self::Loom(loomed::$name::new(value))
                    } else {
                        Self::Std(std::sync::atomic::$name::new(value))
                    }
                }

                #[track_caller]
                pub(crate) fn load(&self, order: Ordering) -> $value {
                    match self {
                        Self::Std(atomic) => atomic.load(order),
                        Self::Loom(atomic) => {
                            access(Access::Load, order, |order| atomic.load(order))
                        }
                    }
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    match self {
                        Self::Std(atomic) => atomic.store(value, order),
                        // loom knows the order of all exchanges, but not always that of an exchange and a store.
                        Self::Loom(atomic) => access(Access::Store, order, |order| {
                            atomic.swap(value, order);
                        }),
                    }
                }

                #[track_caller]
                pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                    match self {
                        Self::Std(atomic) => atomic.swap(value, order),
                        Self::Loom(atomic) => {
                            access(Access::Both, order, |order| atomic.swap(value, order))
                        }
                    }
                }
            }
        };
    }

    macro_rules! number {
        ($name:ident, $value:ty) => {
            atomic!($name, $value);

            impl $name {
                #[track_caller]
                pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                    match self {
                        Self::Std(atomic) => atomic.fetch_add(value, order),
                        Self::Loom(atomic) => {
                            access(Access::Both, order, |order| atomic.fetch_add(value, order))
                        }
                    }
                }

                #[track_caller]
                pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                    match self {
                        Self::Std(atomic) => atomic.fetch_sub(value, order),
                        Self::Loom(atomic) => {
                            access(Access::Both, order, |order| atomic.fetch_sub(value, order))
                        }
                    }
                }

                /// Its protocols need no order from it, so it has none here.
                pub(crate) fn fetch_update(
                    &self,
                    set: Ordering,
                    fetch: Ordering,
                    update: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    assert_eq!((set, fetch), (Ordering::Relaxed, Ordering::Relaxed));
                    match self {
                        Self::Std(atomic) => atomic.fetch_update(set, fetch, update),
                        Self::Loom(atomic) => atomic.fetch_update(set, fetch, update),
                    }
                }
            }
        };
    }

    atomic!(AtomicBool, bool);
    number!(AtomicUsize, usize);
    number!(AtomicU64, u64);
}
