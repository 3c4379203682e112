//! One command: how long it took, what it cost, how much memory it needed.

use crate::Failed;
use nix::sys::resource::{UsageWho, getrusage};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a command cost. Milliseconds and KiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// From its start to its end.
    pub wall: f64,
    /// Processor time of it and all that it started and waited for.
    pub cpu: f64,
    /// The largest resident memory of any of these processes.
    pub memory: i64,
}

/// `bench __once OUT COMMAND…`: runs the command and writes its cost to the file.
pub fn once(words: &[String]) -> Result<(), Failed> {
    let [out, program, arguments @ ..] = words else {
        return Err("__once OUT COMMAND…".into());
    };
    let begin = Instant::now();
    let status = Command::new(program).args(arguments).status()?;
    let wall = begin.elapsed().as_secs_f64() * 1e3;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |time: nix::sys::time::TimeVal| {
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds and microseconds are small"
        )]
        let milliseconds = time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
        milliseconds
    };
    let cpu = time(usage.user_time()) + time(usage.system_time());
    let code = status.code().unwrap_or(-1);
    std::fs::write(out, format!("{wall} {cpu} {} {code}", usage.max_rss()))?;
    Ok(())
}

/// A command to measure.
pub struct Job<'a> {
    /// Its words.
    pub argv: Vec<String>,
    /// Where.
    pub cwd: &'a Path,
    /// Variables beside `PATH` and `HOME`.
    pub env: BTreeMap<String, String>,
    /// The exit codes it may end with.
    pub codes: &'a [i32],
}

/// What a measured command cost and printed.
pub struct Ran {
    /// Its cost.
    pub cost: Cost,
    /// Standard output.
    pub out: String,
}

impl<'a> Job<'a> {
    /// A command that must end with 0.
    pub fn new(cwd: &'a Path, argv: &[&str]) -> Self {
        Self {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            cwd,
            env: BTreeMap::new(),
            codes: &[0],
        }
    }

    /// The same with a variable.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.env.insert(name.to_owned(), value.to_string());
        self
    }

    /// Runs it once.
    pub fn run(&self) -> Result<Ran, Failed> {
        let file = tempfile::NamedTempFile::new()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("__once")
            .arg(file.path())
            .args(&self.argv)
            .current_dir(self.cwd)
            .env_clear();
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let output = command
            .env("LC_ALL", "C.UTF-8")
            .envs(&self.env)
            .stdin(Stdio::null())
            .output()?;
        let text = std::fs::read_to_string(file.path())?;
        let words: Vec<&str> = text.split(' ').collect();
        let [wall, cpu, memory, code] = words.as_slice() else {
            return Err(format!("{:?} could not be started", self.argv).into());
        };
        if !self.codes.contains(&code.parse()?) {
            return Err(format!(
                "{:?} ended with {code}\n{}{}",
                self.argv,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
            .into());
        }
        Ok(Ran {
            cost: Cost {
                wall: wall.parse()?,
                cpu: cpu.parse()?,
                memory: memory.parse()?,
            },
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
        })
    }
}

/// Medians of each column.
pub fn median(costs: &[Cost]) -> Cost {
    let of = |column: &dyn Fn(&Cost) -> f64| {
        let values: Vec<f64> = costs.iter().map(column).collect();
        middle(values)
    };
    Cost {
        wall: of(&|cost| cost.wall),
        cpu: of(&|cost| cost.cpu),
        memory: costs.iter().map(|cost| cost.memory).max().unwrap_or(0),
    }
}

/// The median; 0 of nothing.
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Several commands, each once per round.
pub fn interleaved(jobs: &[Job<'_>], rounds: usize) -> Result<Vec<Cost>, Failed> {
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); jobs.len()];
    for round in 0..=rounds {
        for (index, job) in jobs.iter().enumerate() {
            let ran = job.run()?;
            // The first round warms the caches.
            if round > 0 {
                costs[index].push(ran.cost);
            }
        }
    }
    Ok(costs.iter().map(|costs| median(costs)).collect())
}
