//! Journals of long runs, and memory.

use crate::measure::{Job, interleaved, middle};
use crate::projects::{Project, text};
use crate::table::{Table, ms, ratio};
use crate::{Asked, Failed};
use redgreen_core::id::Digest;
use redgreen_core::machine::{
    Action, AgentOutcome, AgentSession, Effect, Event, Person, RunId, RunOptions, State,
};
use redgreen_formats::wire;
use redgreen_host::journal::Journal;
use std::collections::VecDeque;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Tasks of the long run.
const TASKS: usize = 1_000;
/// Events of the long run.
const EVENTS: u64 = 1_000_000;

/// A run of a thousand tasks whose provider fails again and again (which costs no attempt): as many events as wanted.
/// Returns the state and what each event took to be checked and applied, in microseconds.
fn long_run(
    plan: redgreen_core::plan::Plan,
    events: u64,
    each: &mut dyn FnMut(&Event) -> Result<(), Failed>,
) -> Result<(State, f64), Failed> {
    let mut state = State::new();
    let begin = Event::RunStarted {
        run: RunId::new("R1")?,
        plan: Box::new(plan),
        definition: Digest::of(b"d"),
        configuration: Digest::of(b"c"),
        options: RunOptions {
            jobs: u32::try_from(TASKS)?,
            ..RunOptions::default()
        },
        approved: Some(Person("Ada".to_owned())),
        adopted: Default::default(),
    };
    each(&begin)?;
    let mut waiting: VecDeque<Effect> = state.apply(begin)?.into();
    let mut count = 1;
    let mut spent = Duration::ZERO;
    while count < events {
        let Some(effect) = waiting.pop_front() else {
            return Err("the run came to an end".into());
        };
        let key = effect.key.clone();
        let result = match effect.action {
            Action::StartAgent { .. } => Event::AgentEnded {
                key: key.clone(),
                outcome: AgentOutcome::ProviderError,
                session: AgentSession::default(),
            },
            _ => Event::Done { key: key.clone() },
        };
        for event in [Event::Started { key }, result] {
            each(&event)?;
            let begin = Instant::now();
            state.check(&event)?;
            waiting.extend(state.apply(event)?);
            spent += begin.elapsed();
            count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a million is exact")]
    let micros = spent.as_secs_f64() * 1e6 / count as f64;
    Ok((state, micros))
}

/// Writes a journal as [`Journal`] does, without its waiting for the disk at every line.
struct Lines<W> {
    out: W,
    seq: u64,
    prev: Digest,
}

impl<W: std::io::Write> Lines<W> {
    fn push(&mut self, event: &Event) -> Result<(), Failed> {
        let data = wire::encode(event)?;
        let mut line = format!(
            "{{\"v\":1,\"seq\":{},\"prev\":\"{}\",\"at\":\"2026-01-01T00:00:00Z\",\"data\":{data}",
            self.seq, self.prev
        );
        let sum = Digest::of(line.as_bytes());
        line.push_str(&format!(",\"sum\":\"{sum}\"}}"));
        self.prev = Digest::of(line.as_bytes());
        self.seq += 1;
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(())
    }
}

/// Journals, status, report, memory.
pub fn run(asked: &Asked) -> Result<Table, Failed> {
    let mut table = Table::new(
        "Long runs",
        &["what", "wall ms", "CPU ms", "memory MiB", "ratio"],
    );
    append(asked, &mut table)?;
    let project = Project::python(asked, "runs", 3)?;
    project.plan(TASKS)?;
    project.commit()?;
    let program = text(&asked.redgreen);
    let job = |arguments: &[&str]| {
        let mut argv = vec![program.as_str()];
        argv.extend(arguments);
        Job::new(&project.root, &argv).with("REDGREEN_STATE_DIR", project.state.display())
    };
    // Makes the private folders.
    job(&["status"]).run()?;
    let plan = std::fs::read_to_string(project.root.join("docs/plans/bench.json"))?;
    let plan = redgreen_formats::plan_file::parse(plan.as_bytes())
        .map_err(|why| format!("{why:?}"))?
        .plan;
    let state = std::fs::read_dir(&project.state)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.join("journals").is_dir())
        .ok_or("no private state was made")?;
    let file = state.join("journals/bench.jsonl");
    let mut before = None;
    for events in [EVENTS / 100, EVENTS / 10, EVENTS] {
        let mut lines = Lines {
            out: std::io::BufWriter::new(std::fs::File::create(&file)?),
            seq: 0,
            prev: Digest::of(b""),
        };
        let (_, micros) = long_run(plan.clone(), events, &mut |event| lines.push(event))?;
        lines.out.flush()?;
        drop(lines);
        let rounds = if events == EVENTS {
            1
        } else {
            asked.rounds.min(3)
        };
        let costs = interleaved(&[job(&["status"]), job(&["report"])], rounds)?;
        for (name, cost) in ["status", "report"].iter().zip(&costs) {
            table.row(&[
                format!("`redgreen {name}`, {TASKS} tasks, {events} events"),
                ms(cost.wall),
                ms(cost.cpu),
                (cost.memory / 1024).to_string(),
                String::new(),
            ]);
        }
        let grown = before.map_or_else(String::new, |before: f64| {
            format!("{:.2} times that of a tenth of the events", micros / before)
        });
        before = Some(micros);
        table.row(&[
            format!("one event, checked and applied, {TASKS} tasks, {events} events"),
            format!("{:.4}", micros / 1e3),
            String::new(),
            String::new(),
            grown,
        ]);
    }
    std::fs::remove_file(&file)?;
    memory(asked, &mut table)?;
    table.note("Memory while an agent runs is the largest resident memory of the `redgreen` process itself (SPEC H8: at most 50 MiB).");
    Ok(table)
}

/// An append against a write with `fdatasync`.
fn append(asked: &Asked, table: &mut Table) -> Result<(), Failed> {
    const COUNT: usize = 500;
    let event = wire::encode(&Event::StopRequested {
        by: Person("Ada".to_owned()),
    })?;
    let value: serde_json::Value = serde_json::from_str(&event)?;
    let line = vec![b'x'; 420];
    let (mut floor, mut own) = (Vec::new(), Vec::new());
    let folder = asked.work.join("append");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("journal.jsonl");
    _ = std::fs::remove_file(&path);
    let mut journal = Journal::open(&path)?.journal;
    let mut plain = std::fs::File::create(folder.join("plain"))?;
    for _ in 0..COUNT {
        let begin = Instant::now();
        plain.write_all(&line)?;
        plain.sync_data()?;
        floor.push(begin.elapsed().as_secs_f64() * 1e3);
        let begin = Instant::now();
        journal.append(value.clone())?;
        own.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    let (floor, own) = (middle(floor), middle(own));
    table.row(&[
        "a line written and synced, bare".to_owned(),
        ms(floor),
        String::new(),
        String::new(),
        String::new(),
    ]);
    table.row(&[
        "one event appended to the journal".to_owned(),
        ms(own),
        String::new(),
        String::new(),
        ratio(own / floor, None),
    ]);
    Ok(())
}

/// The memory of `redgreen run` while its agent works.
fn memory(asked: &Asked, table: &mut Table) -> Result<(), Failed> {
    let project = Project::python(asked, "agent", 300)?;
    let agent = asked.work.join("agent.sh");
    std::fs::write(&agent, "#!/bin/sh\nsleep 3\n")?;
    std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755))?;
    project.write(
        "redgreen.toml",
        &format!(
            "version = 1\n\n[agent]\ncommand = [\"{}\"]\n",
            agent.display()
        ),
    )?;
    project.plan(1)?;
    project.commit()?;
    let mut child = Command::new(&asked.redgreen)
        .args(["run", "--yes"])
        .current_dir(&project.root)
        .env("REDGREEN_STATE_DIR", &project.state)
        .env("REDGREEN_SHARED_CACHE", &project.shared)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        most = most.max(found.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
    if most == 0 {
        return Err("`redgreen run` ended at once".into());
    }
    let mebibytes = most / 1024;
    table.row(&[
        "`redgreen run` while its agents work".to_owned(),
        String::new(),
        String::new(),
        if mebibytes <= 50 {
            format!("{mebibytes} (at most 50: kept)")
        } else {
            format!("**{mebibytes}** (at most 50: missed)")
        },
        String::new(),
    ]);
    Ok(())
}
