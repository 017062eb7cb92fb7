//! A program that runs until the test ends it, or is over.

use std::process::{Child, ChildStdout, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::wait::eventually;

/// Killed when it is dropped, so that no test leaves a program behind, however it ends.
pub(crate) struct Running(Child);

impl Running {
    #[track_caller]
    pub(crate) fn start(mut command: Command) -> Self {
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Its stdout, if that is a pipe.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// How it has ended, if it has.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the program has ended", || {
            status = self.status();
            status.is_some()
        });
        status.unwrap()
    }

    /// Kills it, unless it has ended.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
