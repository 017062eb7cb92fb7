//! A terminal, for programs that check whether they write to one. See `pty(7)`.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Command;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::running::Running;
use crate::support::wait::eventually;

/// A terminal to which nothing is written yet.
pub(crate) struct Terminal {
    screen: OwnedFd,
    line: OwnedFd,
}

impl Terminal {
    /// One with so many columns.
    pub(crate) fn new(columns: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let screen = openpt(flags).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&screen, size).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let line = open(&*name, flags, Mode::empty()).unwrap();
        Self { screen, line }
    }

    /// A descriptor for the stdout or stderr of a command.
    pub(crate) fn line(&self) -> OwnedFd {
        self.line.try_clone().unwrap()
    }

    /// Lets go of what commands write to, once they have been started; what they write is on the screen.
    pub(crate) fn screen(self) -> Screen {
        Screen {
            file: File::from(self.screen),
            seen: String::new(),
        }
    }

    /// Runs a command that writes here to its end, which must be a good one; returns what it wrote.
    #[track_caller]
    pub(crate) fn run(self, command: Command) -> String {
        let Self { screen, line } = self;
        let what = format!("{command:?}");
        // The command goes with it, so that the program has the only way to write here.
        let mut program = Running::start(command);
        drop(line);
        let mut written = Vec::new();
        // It ends with EIO when the program has closed its end.
        let _ = File::from(screen).read_to_end(&mut written);
        let written = String::from_utf8(written).unwrap();
        let status = program.wait();
        assert!(status.success(), "{what}: {status}\n{written}");
        written
    }
}

/// The output on a terminal. It is read only when a test looks, as with a stopped terminal.
pub(crate) struct Screen {
    file: File,
    seen: String,
}

impl Screen {
    /// Waits until all of these are there, in any order.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, texts: &[&str]) {
        eventually(&format!("{texts:?} are on the screen"), || {
            let now = Timespec::default();
            let readable = PollFd::new(&self.file, PollFlags::IN);
            if poll(&mut [readable], Some(&now)) == Ok(1) {
                let mut buffer = [0; 4096];
                let count = self.file.read(&mut buffer).unwrap();
                self.seen
                    .push_str(str::from_utf8(&buffer[..count]).unwrap());
            }
            texts.iter().all(|text| self.seen.contains(text))
        });
    }

    /// Types this.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.file.write_all(text.as_bytes()).unwrap();
    }

    /// All that is there when the programs that write have ended.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = Vec::new();
        // It ends with EIO.
        let _ = self.file.read_to_end(&mut rest);
        self.seen + str::from_utf8(&rest).unwrap()
    }
}
