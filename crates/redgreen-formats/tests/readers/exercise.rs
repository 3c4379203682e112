//! One function per reader: what is done with bytes that nobody vouches for. The bounded tests and the fuzz targets
//! (`fuzz/`) call the same functions, so that what a fuzzer finds becomes a row of a test by adding its bytes.

use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::lock::{LockRecord, Manifest};
use redgreen_core::run_report::Ended;
use redgreen_core::test_item::CriteriaMap;
use redgreen_formats::cargo::diagnostics::{Place, TargetFacts, classify_target};
use redgreen_formats::cargo::source_scan::Import;
use redgreen_formats::cargo::{libtest, messages, module_tree, panics, source_scan};
use redgreen_formats::plan_file::{self, DerivedFields, Edit};
use redgreen_formats::pytest::places::Places;
use redgreen_formats::pytest::records::{self, Journal, Top};
use redgreen_formats::pytest::report::Context;
use redgreen_formats::pytest::{Process, parts, problems};
use redgreen_formats::redact::{Redactions, Redactor, Stream};
use redgreen_formats::wire;
use std::collections::{BTreeMap, BTreeSet};

/// Only that it came back counts.
fn used<T>(_: T) {}

/// What is judged of a run.
pub struct PytestRun {
    /// The cases it names.
    pub cases: Vec<redgreen_core::run_report::CaseReport>,
    /// What could not be loaded.
    pub load_failures: Vec<redgreen_core::run_report::LoadFailure>,
    /// Why the run cannot be judged.
    pub problems: Vec<redgreen_core::reason::Reason>,
}

fn is_test(path: &RelPath) -> bool {
    path.is_below("tests")
}

/// Reads a record of pytest as a run that ended like this.
pub fn pytest_run(bytes: &[u8], ended: Ended) -> PytestRun {
    let journal = Journal::read(bytes, "m");
    let tops = [Top {
        name: "shop".to_owned(),
        path: "src/shop".to_owned(),
    }];
    let places = Places::new(&is_test, &tops, &["my-project".to_owned()]);
    let items: BTreeMap<RelPath, Vec<ItemId>> = ["a", "b"]
        .into_iter()
        .filter_map(|name| {
            let path = RelPath::new(format!("tests/test_{name}.py")).ok()?;
            let item = ItemId::try_from(format!("{path}::test_{name}")).ok()?;
            Some((path, vec![item]))
        })
        .collect();
    let context = Context {
        runner: None,
        items: &items,
        timed_out: ended == Ended::TimedOut,
    };
    let parts = parts(&journal, &places, &context);
    let text = String::from_utf8_lossy(bytes);
    let process = Process {
        ended,
        limit_seconds: 5,
        output: &text,
        foreign: &records::foreign_code(bytes),
    };
    let problems = problems(&journal, &parts, &process);
    PytestRun {
        cases: parts.cases,
        load_failures: parts.load_failures,
        problems,
    }
}

/// The record of the pytest probe.
pub fn pytest(bytes: &[u8]) {
    for ended in [
        Ended::Code(0),
        Ended::Code(1),
        Ended::TimedOut,
        Ended::Signal(9),
    ] {
        used(pytest_run(bytes, ended));
    }
}

/// The message stream of cargo, and rustc's diagnostics in it.
pub fn cargo_messages(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = messages::parse(&text);
    used(read.contradictions());
    let names = BTreeSet::from(["shop".to_owned()]);
    let imports = |file: &str| -> Vec<Import> { source_scan::scan(file).imports };
    let declared_in = |name: &str| (name == "total").then(|| "src/lib.rs".to_owned());
    let place = |file: &str, line: usize| match file {
        "src/lib.rs" if line < 100 => Place::Source,
        "tests/a.rs" => Place::Test,
        _ => Place::Elsewhere,
    };
    let facts = TargetFacts {
        crates: &names,
        dependencies: &BTreeSet::from(["serde".to_owned()]),
        own_crate_is_source: true,
        imports: &imports,
        declared_in: &declared_in,
        place: &place,
    };
    let diagnostics: Vec<_> = read.diagnostics.iter().map(|one| &one.message).collect();
    used(classify_target(&diagnostics, &facts));
}

struct NoProject;
impl redgreen_formats::junit::cause::Project for NoProject {
    fn is_own(&self, name: &str) -> bool {
        name.starts_with("shop")
    }
    fn raised_in_source(&self, trace: &str) -> Option<bool> {
        trace.contains("src/").then_some(true)
    }
}

/// A JUnit report, judged as the only one of a run that ended like this.
pub fn junit_run(bytes: &[u8], ended: Ended) -> PytestRun {
    use redgreen_formats::junit::{Places, Run, judge, read_any as read};
    let files = ["tests/test_a.py", "tests/test_b.py"]
        .into_iter()
        .filter_map(|file| RelPath::new(file).ok())
        .collect();
    let judged = judge(
        &[("report.xml".to_owned(), read(bytes))],
        &Run {
            runner: None,
            ended,
            limit_seconds: 5,
            places: &Places::new("", &["/x".to_owned()], files),
            project: &NoProject,
        },
    );
    PytestRun {
        cases: judged.cases,
        load_failures: judged.load_failures,
        problems: judged.problems,
    }
}

/// A JUnit report.
pub fn junit(bytes: &[u8]) {
    for ended in [Ended::Code(0), Ended::Code(1), Ended::TimedOut] {
        used(junit_run(bytes, ended));
    }
}

/// What libtest, doctests and panics print.
pub fn libtest(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.as_ref();
    used(libtest::last_result(text));
    used(libtest::ends_with_one_passed(text, "tests::adds", 3));
    used(libtest::listed(text));
    used(libtest::listed_in_all(text));
    used(libtest::captured(text, "tests::adds"));
    used(libtest::doctests(text));
    used(panics::panics(text));
    used(panics::backtrace_frames(text));
    used(panics::runtime_cause(
        text,
        &|panic| match panic.file.as_str() {
            "src/lib.rs" => panics::Owner::Source,
            file if file.starts_with("tests/") => panics::Owner::Test,
            _ => panics::Owner::Foreign,
        },
        &|panic| {
            text.lines()
                .nth(panic.line as usize)
                .unwrap_or_default()
                .to_owned()
        },
    ));
}

/// Rust source, as it is scanned for modules, imports and tests.
pub fn rust_source(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    used(source_scan::scan(&text));
    used(module_tree::resolve("src/lib.rs", &|path| match path {
        "src/lib.rs" => Some(text.clone().into_owned()),
        path if path.len() < 24 => Some("mod a; mod b;".to_owned()),
        _ => None,
    }));
}

/// A plan file: what is read is written back with its derived fields, and reads the same again.
pub fn plan(bytes: &[u8]) {
    let digest = plan_file::definition_digest(bytes);
    let Ok(read) = plan_file::parse(bytes) else {
        return;
    };
    let mut fields = DerivedFields::default();
    for task in &read.plan.tasks {
        fields.task(&task.id).passes = Edit::Set(true);
    }
    let written =
        plan_file::set_derived(bytes, &fields).expect("a plan that is read can be written");
    let again = plan_file::parse(&written).expect("what was written can be read");
    assert!(again.plan.tasks.iter().all(|task| task.passes));
    assert_eq!(
        read.definition, again.definition,
        "derived fields are no definition"
    );
    assert_eq!(digest.ok(), plan_file::definition_digest(&written).ok());
}

/// An event of the journal: what is read is written, and reads the same again.
pub fn event(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(event) = wire::decode(&text) {
        let written = wire::encode(&event).expect("an event that is read can be written");
        assert_eq!(wire::decode(&written).as_ref(), Ok(&event));
    }
}

/// A lock record, a manifest, a criteria map.
pub fn lock(bytes: &[u8]) {
    if let Ok(record) = serde_json::from_slice::<LockRecord>(bytes) {
        let written = serde_json::to_vec(&record).expect("a record that is read can be written");
        assert_eq!(
            serde_json::from_slice::<LockRecord>(&written).ok(),
            Some(record)
        );
    }
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
        used(manifest.listing());
    }
    let _ = serde_json::from_slice::<CriteriaMap>(bytes);
}

/// Evidence: whatever a chain of these bytes is called, what it says is what was signed.
pub fn evidence(bytes: &[u8]) {
    use redgreen_formats::evidence::{Envelope, Stored, examine, read_record, statement_of};
    let chain = "doubles/ab12cd34";
    let one = |place| Stored {
        place,
        envelope: bytes.to_vec(),
        test_result: (place % 2 == 1).then(|| bytes.to_vec()),
    };
    assert!(
        !examine(chain, &[one(0), one(1)], None, &[]).verifies(),
        "no record follows itself"
    );
    let examined = examine(chain, &[one(0)], None, &[]);
    if examined.verifies() {
        let (payload, _) = Envelope::open(bytes).expect("it verified");
        let record = read_record(&payload).expect("it verified");
        assert_eq!(record.chain, chain);
        used(statement_of(&record));
    }
    let _ = read_record(bytes);
}

/// Any output, looked through for secrets at once and in pieces: nothing of a secret is left either way.
pub fn redact(bytes: &[u8]) {
    const SECRET: &str = "planted-7f3a9c21d4";
    let redactor = Redactor::new([("PLANTED", SECRET, true)]);
    let clean = |bytes: &[u8]| {
        !bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes())
    };
    assert!(clean(&redactor.bytes(bytes, &mut Redactions::new())));
    let mut stream = Stream::default();
    let mut out = Vec::new();
    for piece in bytes.chunks(if bytes.len() < 4096 { 7 } else { 4099 }) {
        out.extend(stream.push(&redactor, piece));
    }
    out.extend(stream.finish(&redactor));
    assert!(clean(&out));
    used(redactor.text(&String::from_utf8_lossy(bytes)));
    if let Ok(mut value) = serde_json::from_slice(bytes) {
        redactor.value(&mut value, &mut Redactions::new());
    }
}
