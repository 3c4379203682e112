//! The drive loop: event → `step` → effects → the world → event. An event is persisted before it is acted on; what has no
//! result yet is handed out again after a crash (SPEC A9).

pub mod deliver;
pub mod dispute;
pub mod gates;
pub mod log;
pub mod native;
pub mod prompt;
pub mod session;
mod watch;

use crate::command::task::LoadedPlan;
use crate::error::Failure;
use crate::referee::context::{Context, Setting};
use crate::referee::red::RedOutcome;
use crate::render::{progress, story};
use log::RunLog;
use redgreen_core::exit::ExitCode;
use redgreen_core::id::{RelPath, TaskId};
use redgreen_core::machine::{Action, Effect, Event, Person, Standing, State, step};
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;
use watch::Watch;

/// Whoever wants to hear what happens: the story on the terminal, the demonstration.
pub trait Observer {
    /// Called after an event was recorded and applied.
    fn event(&mut self, state: &State, event: &Event);
}

/// Hears nothing.
#[derive(Debug)]
pub struct Silent;
impl Observer for Silent {
    fn event(&mut self, _: &State, _: &Event) {}
}

/// One run of a plan, open for work. One driver at a time holds it.
pub struct Driver<'a> {
    /// Repository, state, printer.
    pub context: &'a Context,
    /// The plan.
    pub plan: LoadedPlan,
    /// Its name in references and folders.
    pub slug: String,
    /// Plan files: no content.
    pub plan_files: Vec<RelPath>,
    /// The effective configuration, as it was approved.
    pub setting: Setting,
    /// The event log.
    pub log: RunLog,
    /// Who works here.
    pub person: Person,
    /// A command that stands in for every configured agent (`--agent`).
    pub agent: Option<Vec<String>>,
    /// Whether the user's branch is fast-forwarded when a task passed and nothing of theirs is touched.
    pub fast_forward: bool,
    /// The only task whose work is carried out, when a person asked about one; everything else waits for `run`.
    pub only: Option<TaskId>,
    /// RED results whose tests are to be locked; proven again when the process was restarted in between.
    red: BTreeMap<TaskId, RedOutcome>,
}

impl<'a> Driver<'a> {
    /// Opens the run of a plan.
    ///
    /// # Errors
    /// A failure when another redgreen works on it, or the journal does not verify.
    pub fn open(context: &'a Context, plan: LoadedPlan, setting: Setting) -> Result<Self, Failure> {
        let slug = plan.slug();
        let plan_files = crate::command::task::plan_files(context)?;
        let log = RunLog::open(context, &slug)?;
        let identity = context
            .repository
            .identity()
            .map_err(crate::referee::context::git_failure)?;
        Ok(Self {
            context,
            plan,
            slug,
            plan_files,
            setting,
            log,
            person: Person(format!("{} <{}>", identity.name, identity.email)),
            agent: None,
            fast_forward: true,
            only: None,
            red: BTreeMap::new(),
        })
    }

    /// The branch that delivered work is committed to.
    #[must_use]
    pub fn branch(&self) -> String {
        format!("refs/heads/redgreen/{}", self.slug)
    }

    /// The folder of a task's clones and notes.
    #[must_use]
    pub fn task_folder(&self, task: &TaskId) -> PathBuf {
        self.context
            .state
            .clones()
            .join(&self.slug)
            .join(task.as_str())
    }

    /// Records an event and carries out everything that follows, until nothing is left that can be done now.
    ///
    /// # Errors
    /// A failure when an event cannot be recorded: without a record nothing is done.
    pub fn drive(
        &mut self,
        first: Event,
        observer: &mut dyn Observer,
    ) -> Result<ExitCode, Failure> {
        let watch = Watch::start(
            stop_file(self.context, &self.slug),
            self.setting.config.limits.run,
        )?;
        let mut queue: VecDeque<Effect> = self.record(first, observer)?.into();
        while let Some(effect) = queue.pop_front() {
            queue.extend(self.stop_if_asked(&watch, observer)?);
            let elsewhere = self.only.is_some() && effect.key.task != self.only;
            if effect.action.is_work() && (elsewhere || self.log.state().stop().is_some()) {
                continue;
            }
            // An effect can be handed out twice; the second time it is not outstanding any more.
            if step(
                self.log.state(),
                Event::Started {
                    key: effect.key.clone(),
                },
            )
            .is_err()
            {
                continue;
            }
            queue.extend(self.record(
                Event::Started {
                    key: effect.key.clone(),
                },
                observer,
            )?);
            let events = self.carry_out(&effect, observer)?;
            if redgreen_host::interrupt::ends_now() {
                // What was cut off is no result. The effect is recorded as started and starts over.
                return Err(Failure::new(
                    ExitCode::Limit,
                    "ended at once, as asked",
                    "redgreen run   (goes on where it was)",
                ));
            }
            // First the stop, then the session that it ended: otherwise the session would be started anew.
            queue.extend(self.stop_if_asked(&watch, observer)?);
            for event in events {
                queue.extend(self.record(event, observer)?);
            }
        }
        drop(watch);
        if !self.log.events().is_empty() {
            // The last events came after the last report.
            self.write_report()?;
        }
        Ok(match self.log.state().standing() {
            Standing::Empty | Standing::Working => ExitCode::Internal,
            standing @ (Standing::NeedsApproval
            | Standing::WaitsForPerson(_)
            | Standing::Stopped
            | Standing::Parked
            | Standing::Ended(_)) => standing.exit().unwrap_or(ExitCode::Internal),
        })
    }

    /// Records one event and tells the observer.
    ///
    /// # Errors
    /// A usage failure when the event cannot happen now, a failure of the disk otherwise.
    pub fn record(
        &mut self,
        event: Event,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Effect>, Failure> {
        let effects = self.log.record(event.clone())?;
        observer.event(self.log.state(), &event);
        Ok(effects)
    }

    /// Records a stop that somebody asked for, or that a limit of the run asks for, once.
    fn stop_if_asked(
        &mut self,
        watch: &Watch,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Effect>, Failure> {
        if self.log.state().stop().is_some() {
            return Ok(Vec::new());
        }
        if watch.time_is_up() {
            let limit = redgreen_core::machine::RunLimit::Time;
            return self.record(Event::LimitReached { limit }, observer);
        }
        if let Some(limit) = self.run_is_spent() {
            return self.record(Event::LimitReached { limit }, observer);
        }
        if redgreen_host::interrupt::stop_requested() {
            let by = self.person.clone();
            return self.record(Event::StopRequested { by }, observer);
        }
        Ok(Vec::new())
    }

    /// Carries out one effect and returns the events it led to.
    fn carry_out(
        &mut self,
        effect: &Effect,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Event>, Failure> {
        let key = effect.key.clone();
        if let Some(title) = story::title(&effect.action) {
            progress::doing(title);
        }
        let fault = |failure: Failure| Event::Faulted {
            key: effect.key.clone(),
            fault: Reason::new(ReasonCode::EnvironmentFault, failure.what, failure.help),
        };
        Ok(match &effect.action {
            Action::StartAgent {
                role,
                task,
                attempt,
                mode,
                feedback,
            } => self.session(
                &key,
                *role,
                task,
                *attempt,
                *mode,
                feedback.as_deref(),
                observer,
            )?,
            Action::RunGate {
                gate,
                task,
                suites_left,
                ..
            } => vec![self.gate(&key, *gate, task, *suites_left)?],
            Action::CommitLock { task } => match self.commit_lock(task) {
                Ok(lock) => vec![Event::LockCommitted { key, lock }],
                Err(failure) => vec![fault(failure)],
            },
            Action::AdoptRefactor { .. } => vec![Event::RefactorAdopted { key }],
            Action::DiscardRefactor { .. } => vec![Event::RefactorDiscarded { key }],
            Action::Deliver { task } => match self.deliver(task) {
                Ok(delivery) => vec![Event::Delivered { key, delivery }],
                Err(failure) => vec![fault(failure)],
            },
            Action::WritePlan => match self.write_plan() {
                Ok(()) => vec![Event::Done { key }],
                Err(failure) => vec![fault(failure)],
            },
            Action::WriteReport => match self.write_report() {
                Ok(()) => vec![Event::Done { key }],
                Err(failure) => vec![fault(failure)],
            },
            Action::Notify { notice, task, exit } => {
                match self.notify(*notice, task.as_ref(), *exit) {
                    Ok(()) => vec![Event::Done { key }],
                    Err(failure) => vec![fault(failure)],
                }
            }
            Action::AskPerson { .. } => vec![Event::Done { key }],
        })
    }
}

/// Where `redgreen stop` leaves its request.
#[must_use]
pub fn stop_file(context: &Context, slug: &str) -> PathBuf {
    context.state.journals().join(format!("{slug}.stop"))
}

/// Seconds of a duration, rounded up, for the machine's limits.
#[must_use]
pub fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
