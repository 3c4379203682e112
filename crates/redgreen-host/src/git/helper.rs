//! One `cat-file --batch-command` for the life of a repository: objects and revisions without a process each.
//!
//! What it says is believed no more than what any git says: objects are hashed again, names lead to objects that are. Where
//! git is too old for it (before 2.36), where it is busy and where it ends on an object, whoever asked starts a process of
//! its own, which also knows the reason.

use super::object::{BatchReader, Take};
use super::{GitError, Oid, Repository};
use crate::process::Helper as Process;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

/// The process, shared by the clones of a repository and started when it is first needed.
#[derive(Clone, Default)]
pub(super) struct Helper(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    NotStarted,
    /// It runs; whether it has answered yet.
    Running(Box<Process>, bool),
    /// It never answered: this git does not know the command.
    Unknown,
}

impl std::fmt::Debug for Helper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Helper")
    }
}

impl Helper {
    /// Asks, and says whether the answer came to its end. `take` breaks with `true` there, and with `false` before it:
    /// what is left of such an answer must never be taken for the next one, so that process is given up.
    fn ask(
        &self,
        repository: &Repository,
        question: &[u8],
        take: &mut dyn FnMut(&[u8]) -> ControlFlow<bool>,
    ) -> bool {
        // Whoever reads inside of a reading, or beside another thread, does not wait.
        let Ok(mut state) = self.0.try_lock() else {
            return false;
        };
        if matches!(*state, State::NotStarted) {
            let spec = repository.spec(&["cat-file", "--batch-command", "--buffer"]);
            *state = match Process::start(&spec) {
                Ok(process) => State::Running(Box::new(process), false),
                Err(_) => State::Unknown,
            };
        }
        let State::Running(process, has_answered) = &mut *state else {
            return false;
        };
        let (mut came, mut whole) = (false, false);
        let ended = process.ask(question, &mut |piece| {
            came = true;
            match take(piece) {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(end) => {
                    whole = end;
                    ControlFlow::Break(())
                }
            }
        });
        *has_answered |= came;
        let whole = whole && ended.is_ok();
        if !whole {
            *state = if *has_answered {
                State::NotStarted
            } else {
                State::Unknown
            };
        }
        whole
    }

    /// Reads objects. `None` when not all came: those that did have been taken.
    pub(super) fn contents<E: From<GitError>>(
        &self,
        repository: &Repository,
        oids: &[Oid],
        take: Take<'_, E>,
    ) -> Option<Result<(), E>> {
        if oids.is_empty() {
            return Some(Ok(()));
        }
        let mut question = Vec::with_capacity(oids.len() * 50);
        for oid in oids {
            question.extend_from_slice(b"contents ");
            question.extend_from_slice(oid.as_bytes());
            question.push(b'\n');
        }
        question.extend_from_slice(b"flush\n");
        let mut reader = BatchReader::new(repository.object_format(), oids);
        let mut failure = None;
        let whole = self.ask(
            repository,
            &question,
            &mut |piece| match reader.push(piece, take) {
                Ok(()) if reader.is_complete() => ControlFlow::Break(true),
                Ok(()) => ControlFlow::Continue(()),
                Err(why) => {
                    failure = Some(why);
                    ControlFlow::Break(false)
                }
            },
        );
        match failure {
            Some(why) => Some(Err(why)),
            None => whole.then_some(Ok(())),
        }
    }

    /// Those of some objects that the repository does not have; `None` when git has to be asked in another way.
    pub(super) fn absent(
        &self,
        repository: &Repository,
        oids: &BTreeSet<&Oid>,
    ) -> Option<BTreeSet<Oid>> {
        if oids.is_empty() {
            return Some(BTreeSet::new());
        }
        let questions: String = oids.iter().map(|oid| format!("info {oid}\n")).collect();
        let answers = self.lines(repository, &questions, oids.len())?;
        let mut absent = BTreeSet::new();
        for (oid, answer) in oids.iter().zip(answers.lines()) {
            if answer.strip_prefix(oid.as_str())? == " missing" {
                absent.insert((*oid).clone());
            }
        }
        Some(absent)
    }

    /// As many lines of answer as there are questions.
    fn lines(&self, repository: &Repository, questions: &str, count: usize) -> Option<String> {
        let mut text = Vec::new();
        let mut seen = 0;
        let question = format!("{questions}flush\n");
        let whole = self.ask(repository, question.as_bytes(), &mut |piece| {
            seen += piece.iter().filter(|&&byte| byte == b'\n').count();
            text.extend_from_slice(piece);
            if seen >= count {
                ControlFlow::Break(true)
            } else {
                ControlFlow::Continue(())
            }
        });
        if whole {
            String::from_utf8(text).ok()
        } else {
            None
        }
    }

    /// The object that a name leads to; `None` when there is none, or when git has to be asked in another way.
    pub(super) fn named(&self, repository: &Repository, name: &str) -> Option<Oid> {
        if name.chars().any(char::is_control) {
            return None;
        }
        let answer = self.lines(repository, &format!("info {name}\n"), 1)?;
        let text = answer.strip_suffix('\n')?;
        let [oid, kind, length] = text.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        let is_answer = repository.object_format().is_complete(oid)
            && super::ObjectKind::from_name(kind.as_bytes()).is_some()
            && length.parse::<u64>().is_ok();
        is_answer.then(|| oid.to_owned())
    }
}
