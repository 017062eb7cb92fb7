//! Reading ahead: a thread reads the next blocks of an input while the caller processes the last ones.

use crossbeam_channel::{Receiver, bounded};
use std::io::{self, Read};
use std::thread;

/// Bytes of a block.
const BLOCK: usize = 1024 * 1024;

/// Blocks that are read ahead.
const AHEAD: usize = 4;

/// The end of an input that another thread reads.
struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    /// Bytes of the block that were read.
    given: usize,
}

/// Calls the function with an input that is read ahead.
pub(crate) fn read_ahead<R>(
    mut input: impl Read + Send,
    call: impl FnOnce(&mut dyn Read) -> R,
) -> R {
    let (sender, blocks) = bounded(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let mut block = Vec::with_capacity(BLOCK);
                let read = input.by_ref().take(BLOCK as u64).read_to_end(&mut block);
                let is_last = block.is_empty() || read.is_err();
                let block = read.map(|_| block);
                // The receiver is gone once the call has ended.
                if sender.send(block).is_err() || is_last {
                    return;
                }
            }
        });
        let mut ahead = Ahead {
            blocks,
            block: Vec::new(),
            given: 0,
        };
        call(&mut ahead)
    })
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() {
            // There is no block after the last one.
            self.block = self.blocks.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
            self.given = 0;
        }
        let rest = &self.block[self.given..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns its bytes, and then fails.
    struct Failing<'b>(&'b [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(io::ErrorKind::TimedOut.into()),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn all_bytes_come_in_their_order() {
        for length in [0, 1, BLOCK, 3 * BLOCK + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251).to_le_bytes()[0]).collect();
            let mut read = Vec::new();
            read_ahead(&bytes[..], |input| input.read_to_end(&mut read)).unwrap();
            assert!(read == bytes, "{length}");
        }
    }

    #[test]
    fn call_that_stops_early_does_not_wait_for_the_rest() {
        let bytes = vec![7; 20 * BLOCK];
        let mut first = [0; 10];
        read_ahead(&bytes[..], |input| input.read_exact(&mut first)).unwrap();
        assert_eq!(first, [7; 10]);
    }

    #[test]
    fn failure_of_the_input_is_passed_on() {
        let failed = read_ahead(Failing(b"abc"), |input| io::copy(input, &mut io::sink()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
