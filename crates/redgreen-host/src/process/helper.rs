//! A program that answers questions for as long as it is kept, so that a thousand questions cost one process: git's
//! `cat-file --batch-command`.
//!
//! It has no record on disk and needs none: it reads its questions from a pipe of ours and ends with the end of that
//! pipe, also when we are killed. It runs at the lowest isolation level, so nothing of the project is run this way.

use super::leftovers::{self, Leader};
use super::supervise::{nonblocking, spawn};
use super::{SpawnError, Spec};
use crate::{clock, interrupt};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Child;
use std::time::Duration;

/// How often interruption is looked at while nothing comes.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// It does not answer any more: it ended, it took too long, or we are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// A running helper; ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Helper {
    child: Child,
    leader: Leader,
    questions: Option<OwnedFd>,
    answers: OwnedFd,
    patience: Duration,
    buffer: Vec<u8>,
}

impl Helper {
    /// Starts it. Its standard error is not read: whoever wants to know why it ended asks a process of its own.
    ///
    /// # Errors
    /// [`SpawnError`] when it could not be started.
    pub(crate) fn start(spec: &Spec) -> Result<Self, SpawnError> {
        leftovers::become_subreaper();
        let mut started = spawn(spec, true)?;
        let (questions, answers) = (started.child.stdin.take(), started.child.stdout.take());
        let (Some(questions), Some(answers)) = (questions, answers) else {
            leftovers::forget(&started.leader);
            return Err(SpawnError::Io {
                program: spec.argv.first().cloned().unwrap_or_default(),
                source: std::io::Error::other("it has no pipes"),
            });
        };
        Ok(Self {
            child: started.child,
            leader: started.leader,
            questions: Some(nonblocking(questions)),
            answers: nonblocking(answers),
            patience: spec.timeout,
            buffer: vec![0; 1 << 18],
        })
    }

    /// Asks, and hands the answer to `take` piece by piece until that says `Break`: then it is complete. Whoever says so
    /// too early finds the rest before the next answer.
    ///
    /// # Errors
    /// [`Gone`] when it ended before the answer did. Drop it then.
    pub(crate) fn ask(
        &mut self,
        mut question: &[u8],
        take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Gone> {
        let start = clock::monotonic();
        loop {
            if interrupt::ends_now() || start.elapsed() > self.patience {
                return Err(Gone);
            }
            self.wait(!question.is_empty());
            if let (false, Some(pipe)) = (question.is_empty(), &self.questions) {
                match rustix::io::write(pipe, question) {
                    Ok(count) => question = &question[count..],
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    Err(_) => return Err(Gone),
                }
            }
            loop {
                match rustix::io::read(&self.answers, &mut self.buffer[..]) {
                    Ok(0) => return Err(Gone),
                    Ok(count) => {
                        if take(&self.buffer[..count]).is_break() {
                            return Ok(());
                        }
                    }
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => {}
                    Err(_) => return Err(Gone),
                }
            }
        }
    }

    fn wait(&self, writes: bool) {
        let mut fds = vec![PollFd::from_borrowed_fd(
            self.answers.as_fd(),
            PollFlags::IN,
        )];
        if let (true, Some(pipe)) = (writes, &self.questions) {
            fds.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT));
        }
        let _ = rustix::event::poll(&mut fds, Some(&TICK));
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.questions = None;
        // It only reads, so there is nothing that it would have to finish.
        let _ = self.child.kill();
        let _ = self.child.wait();
        leftovers::forget(&self.leader);
    }
}
