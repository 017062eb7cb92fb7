//! Explores a model, and shows the memory orders on which it depends.
//!
//! A model is a function that starts threads and asserts invariants. loom runs it once for every order in which its
//! threads can take their steps, and for every value that a load may see. A thread that would sleep forever is a
//! deadlock, which loom reports: so a wake-up that is lost fails the test.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::Instant;
use std::{fmt, fs};

use loom::thread::ThreadId;

/// The place of an access or a fence in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    file: &'static str,
    line: u32,
    column: u32,
}

impl Site {
    /// The line of the source.
    fn line(&self) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.file);
        let text = fs::read_to_string(file).unwrap();
        let number = usize::try_from(self.line).unwrap();
        text.lines().nth(number - 1).unwrap().to_owned()
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, file) = self.file.rsplit_once("/src/").unwrap_or_default();
        write!(f, "src/{file}:{}:{}", self.line, self.column)
    }
}

thread_local! {
    // loom runs all threads of a model on the thread of its test.
    static EXPLORING: Cell<bool> = const { Cell::new(false) };
    static WEAKENED: Cell<Option<Site>> = const { Cell::new(None) };
    static SITES: RefCell<BTreeSet<Site>> = const { RefCell::new(BTreeSet::new()) };
    static STEPS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static PASSED: Cell<usize> = const { Cell::new(0) };
    static ORDERED: RefCell<HashSet<ThreadId>> = RefCell::default();
}

/// Whether the caller is in a model.
pub(crate) fn is_exploring() -> bool {
    EXPLORING.get()
}

/// Whether the access or the fence at the caller's place in the source must be weaker than written there.
#[track_caller]
pub(crate) fn is_weakened() -> bool {
    let caller = Location::caller();
    let site = Site {
        file: caller.file(),
        line: caller.line(),
        column: caller.column(),
    };
    SITES.with_borrow_mut(|sites| sites.insert(site));
    note(&site);
    WEAKENED.get() == Some(site)
}

/// Time passes for the calling thread. Other threads may continue meanwhile; in the end they do.
pub(crate) fn pass_time() {
    let passed = PASSED.get();
    PASSED.set(passed + 1);
    // After a yield, loom shows a thread the newest stores. The first few times it must not.
    if passed >= 4 {
        loom::thread::yield_now();
    }
}

/// Adds a step of the calling thread to the output of a failed model.
pub(crate) fn note(step: &dyn fmt::Display) {
    let step = format!("{:?} {step}", loom::thread::current().id());
    STEPS.with_borrow_mut(|steps| steps.push(step));
}

/// Records that the calling thread of a model makes a sequentially consistent store.
pub(crate) fn set_ordered() {
    let thread = loom::thread::current().id();
    ORDERED.with_borrow_mut(|ordered| ordered.insert(thread));
}

/// Whether the calling thread has made one, and no fence after it.
pub(crate) fn take_ordered() -> bool {
    let thread = loom::thread::current().id();
    ORDERED.with_borrow_mut(|ordered| ordered.remove(&thread))
}

/// A model, and the bound of its exploration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    name: &'static str,
    run: fn(),
    /// The number of times that a thread that could continue stops for another; `None` is every interleaving.
    preemptions: Option<usize>,
}

impl Model {
    /// Every interleaving.
    pub(crate) const fn every(name: &'static str, run: fn()) -> Self {
        Self {
            name,
            run,
            preemptions: None,
        }
    }

    /// Every interleaving in which threads that could continue stop for others this many times.
    pub(crate) const fn bounded(preemptions: usize, name: &'static str, run: fn()) -> Self {
        Self {
            name,
            run,
            preemptions: Some(preemptions),
        }
    }

    /// Explores the model.
    pub(crate) fn explore(&self) {
        let run = self.run;
        let started = Instant::now();
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = self.preemptions;
        builder.max_branches = 10_000;
        EXPLORING.set(true);
        let explored = catch_unwind(AssertUnwindSafe(|| {
            builder.check(move || {
                ORDERED.take();
                STEPS.take();
                PASSED.set(0);
                PASSED.set(0);
                run();
            });
        }));
        EXPLORING.set(false);
        eprintln!("{}: {:?}", self.name, started.elapsed());
        if let Err(panic) = explored {
            for step in STEPS.take() {
                eprintln!("  {step}");
            }
            resume_unwind(panic);
        }
    }
}

/// An order that no model shows to be necessary, and the reason for it.
pub(crate) struct Unshown {
    /// The text of the line of the access.
    pub(crate) access: &'static str,
    pub(crate) reason: &'static str,
}

/// Explores models of one protocol. Then it explores them once for each fence, without it, and once for each access
/// with an order, with a weaker one: a model must fail, except for orders in `unshown`. So all are necessary, and none
/// can be removed without notice.
pub(crate) fn explore_and_weaken(models: &[Model], unshown: &[Unshown]) {
    SITES.take();
    for model in models {
        model.explore();
    }
    let sites = SITES.take();
    assert!(!sites.is_empty(), "no fence, and no access with an order");
    let mut unnoticed = Vec::new();
    for site in sites {
        WEAKENED.set(Some(site));
        let fails = |model: &Model| {
            eprintln!("{site} weakened:");
            catch_unwind(|| model.explore()).is_err()
        };
        let is_found = models.iter().any(fails);
        WEAKENED.set(None);
        let line = site.line();
        let is_unshown = unshown.iter().any(|unshown| line.contains(unshown.access));
        if is_found == is_unshown {
            unnoticed.push(site.to_string());
        }
    }
    assert!(
        unnoticed.is_empty(),
        "could be weaker, or is not unshown: {unnoticed:#?}"
    );
}
