//! Why a test did not pass: the table for Python of `reference/test-results.md`, 3.2, on fields of exception objects.

use super::places::{Owner, Places};
use super::records::{Exception, When};
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::CauseDetail;

/// Where an exception came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// While a file was loaded.
    Load,
    /// In a phase of a test.
    Phase(When),
}

fn detail(cause: Cause, detail: impl Into<String>, symbol: Option<&str>) -> CauseDetail {
    CauseDetail {
        cause,
        detail: detail.into(),
        symbol: symbol.map(str::to_owned),
    }
}

/// A file that is missing: test data is the test's own affair, a file of the product is what the task adds.
fn by_file(exception: &Exception, places: &Places<'_>) -> Option<CauseDetail> {
    if !exception.is("builtins.FileNotFoundError") {
        return None;
    }
    let path = exception.path.as_deref()?;
    match places.file(path) {
        Owner::Source => Some(detail(
            Cause::MissingSymbol,
            format!("`{path}` does not exist yet"),
            None,
        )),
        Owner::Test => Some(detail(
            Cause::SetupFailed,
            format!("`{path}` does not exist, and it would be test data"),
            None,
        )),
        Owner::Foreign => None,
    }
}

/// The test stumbled over a value that the code under test made, or over a program of the project that failed.
fn by_value(exception: &Exception, places: &Places<'_>) -> Option<CauseDetail> {
    let own = |module: &str, file: Option<&str>| places.module(module, file) == Owner::Source;
    if let Some((module, _)) = exception
        .sources
        .iter()
        .find(|(module, file)| own(module, file.as_deref()))
    {
        return Some(detail(
            Cause::Assertion,
            format!(
                "what the code under test (`{module}`) gave does not do what the test does with it: {}",
                summary(exception)
            ),
            None,
        ));
    }
    let program = exception.command.iter().find(|word| {
        places.name(word) == Owner::Source
            || (word.ends_with(".py") && places.file(word) == Owner::Source)
    })?;
    Some(detail(
        Cause::Assertion,
        format!("`{program}` failed: {}", summary(exception)),
        None,
    ))
}

/// `pytest_plugins` names something that cannot be imported.
fn missing_plugin(exception: &Exception, places: &Places<'_>) -> CauseDetail {
    let name = exception.message.split('"').nth(1).unwrap_or("?");
    match places.name(name) {
        Owner::Source | Owner::Test => detail(
            Cause::SetupFailed,
            setup_text(Stage::Load, exception),
            Some(name),
        ),
        Owner::Foreign => detail(
            Cause::MissingPlugin,
            format!("the plugin `{name}` is not installed"),
            Some(name),
        ),
    }
}

/// The first line of a message, at most 200 characters.
#[must_use]
pub fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or("")
        .chars()
        .take(200)
        .collect()
}

/// Classifies an exception.
#[must_use]
pub fn cause(exception: &Exception, stage: Stage, places: &Places<'_>) -> CauseDetail {
    if is_outcome_failed(exception) {
        return outcome_failed(exception, stage);
    }
    if exception.is("doctest.DocTestFailure") {
        return detail(
            Cause::Assertion,
            "an example in a doctest printed something else",
            None,
        );
    }
    if exception.is("_pytest.fixtures.FixtureLookupError") {
        let name = exception.name.as_deref().unwrap_or("?");
        return detail(
            Cause::MissingFixture,
            format!("fixture `{name}` does not exist{}", did_you_mean(exception)),
            Some(name),
        );
    }
    if exception.is("builtins.SyntaxError") && is_own_syntax_error(exception, places) {
        return syntax_error(exception, places);
    }
    if exception.is("builtins.ModuleNotFoundError") {
        return missing_module(exception, places);
    }
    if exception.is("builtins.ImportError") && exception.symbol.is_some() {
        return missing_import(exception, places);
    }
    if exception.is("builtins.MemoryError") {
        return detail(
            Cause::Environment,
            "there was not enough memory to run the test",
            None,
        );
    }
    if is_environment(exception, places) {
        return detail(
            Cause::Environment,
            format!(
                "a service, device or permission is missing: {}",
                summary(exception)
            ),
            None,
        );
    }
    let last = last_owner(exception, places);
    if exception.is("builtins.AssertionError") {
        return assertion(exception, stage, last);
    }
    if exception.is("builtins.NotImplementedError") && last == Owner::Source {
        return detail(
            Cause::NotImplemented,
            format!("{} is not implemented yet", raised_by(exception, places)),
            None,
        );
    }
    if last == Owner::Source {
        return raised_in_source(exception, stage, places);
    }
    if exception.is("builtins.AttributeError")
        && let Some(found) = missing_attribute(exception, places)
    {
        return found;
    }
    if exception.is("builtins.NameError") {
        let name = exception.name.as_deref().unwrap_or("?");
        return detail(
            Cause::UndefinedName,
            format!("the name `{name}` is not defined in the test"),
            Some(name),
        );
    }
    if exception.is("builtins.TypeError")
        && let Some(found) = type_error(exception, places)
    {
        return found;
    }
    if let Some(found) = by_file(exception, places).or_else(|| by_value(exception, places)) {
        return found;
    }
    if exception.is("builtins.SystemExit") && last == Owner::Test {
        return detail(
            Cause::AlwaysFails,
            "the test ends its own process (`sys.exit`)",
            None,
        );
    }
    match stage {
        Stage::Load if exception.message.starts_with("Error importing plugin") => {
            missing_plugin(exception, places)
        }
        Stage::Load | Stage::Phase(When::Setup | When::Teardown) => {
            detail(Cause::SetupFailed, setup_text(stage, exception), None)
        }
        Stage::Phase(When::Call) => detail(
            Cause::RaisedInTest,
            format!("the test itself raised {}", summary(exception)),
            None,
        ),
    }
}

fn summary(exception: &Exception) -> String {
    first_line(&exception.text())
}

fn setup_text(stage: Stage, exception: &Exception) -> String {
    let what = match stage {
        Stage::Load => "loading the test file",
        Stage::Phase(When::Setup) => "setting up the test",
        Stage::Phase(When::Teardown) => "tearing down the test",
        Stage::Phase(When::Call) => "the test",
    };
    format!("{what} failed: {}", summary(exception))
}

fn did_you_mean(exception: &Exception) -> String {
    match exception.similar.first() {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

/// Whose frame is the last one of the tree: code of a library that was called counts for its caller.
fn last_owner(exception: &Exception, places: &Places<'_>) -> Owner {
    exception
        .frames
        .iter()
        .rev()
        .map(|frame| places.file(&frame.0))
        .find(|owner| *owner != Owner::Foreign)
        .unwrap_or(Owner::Foreign)
}

/// Whether the last frame of the tree is source that was being imported.
fn broke_while_importing_source(exception: &Exception, places: &Places<'_>) -> bool {
    exception
        .frames
        .iter()
        .rev()
        .find(|frame| places.file(&frame.0) != Owner::Foreign)
        .is_some_and(|frame| places.file(&frame.0) == Owner::Source && frame.2 == "<module>")
}

fn raised_by(exception: &Exception, places: &Places<'_>) -> String {
    exception
        .frames
        .iter()
        .rev()
        .find(|frame| places.file(&frame.0) == Owner::Source)
        .map_or_else(String::new, |frame| format!("`{}`", frame.2))
}

/// pytest's own `Failed`: `pytest.fail`, `DID NOT RAISE`, and what pytest refuses to run.
fn is_outcome_failed(exception: &Exception) -> bool {
    exception.type_name == "Failed" && exception.is("_pytest.outcomes.OutcomeException")
}

fn outcome_failed(exception: &Exception, stage: Stage) -> CauseDetail {
    let message = &exception.message;
    if message.starts_with("async def functions are not natively supported") {
        return detail(
            Cause::MissingPlugin,
            "the test is `async`, and no plugin that is installed and enabled runs it",
            None,
        );
    }
    if message.starts_with("Fixture \"") && message.contains("called directly") {
        let name = message.split('"').nth(1);
        return detail(
            Cause::MissingFixture,
            format!(
                "fixture `{}` is called like a function",
                name.unwrap_or("?")
            ),
            name,
        );
    }
    if message.starts_with("Timeout") {
        return detail(
            Cause::Timeout,
            format!("the test ran into its time limit: {}", first_line(message)),
            None,
        );
    }
    match stage {
        Stage::Load => detail(Cause::DoesNotCompile, first_line(message), None),
        Stage::Phase(When::Call) => detail(Cause::Assertion, first_line(message), None),
        Stage::Phase(When::Setup | When::Teardown) => {
            detail(Cause::SetupFailed, setup_text(stage, exception), None)
        }
    }
}

fn assertion(exception: &Exception, stage: Stage, last: Owner) -> CauseDetail {
    match (last, stage) {
        (Owner::Source, _) => detail(
            Cause::RaisedInSource,
            format!("the code under test raised {}", summary(exception)),
            None,
        ),
        (Owner::Test | Owner::Foreign, Stage::Phase(When::Call)) => {
            detail(Cause::Assertion, first_line(&exception.message), None)
        }
        (
            Owner::Test | Owner::Foreign,
            Stage::Load | Stage::Phase(When::Setup | When::Teardown),
        ) => detail(Cause::SetupFailed, setup_text(stage, exception), None),
    }
}

fn raised_in_source(exception: &Exception, stage: Stage, places: &Places<'_>) -> CauseDetail {
    if stage == Stage::Load && broke_while_importing_source(exception, places) {
        return detail(
            Cause::BrokenBase,
            format!("source cannot be imported: {}", summary(exception)),
            None,
        );
    }
    detail(
        Cause::RaisedInSource,
        format!("the code under test raised {}", summary(exception)),
        None,
    )
}

/// Whether a syntax error is about a file of the project, and not about text that was compiled at run time.
fn is_own_syntax_error(exception: &Exception, places: &Places<'_>) -> bool {
    exception
        .path
        .as_deref()
        .is_some_and(|path| places.file(path) != Owner::Foreign)
}

fn syntax_error(exception: &Exception, places: &Places<'_>) -> CauseDetail {
    let path = exception.path.as_deref().unwrap_or_default();
    let line = exception
        .line
        .map(|line| format!(", line {line}"))
        .unwrap_or_default();
    match places.file(path) {
        Owner::Source => detail(
            Cause::BrokenBase,
            format!(
                "source file `{path}`{line} does not parse: {}",
                first_line(&exception.message)
            ),
            None,
        ),
        Owner::Test | Owner::Foreign => detail(
            Cause::SyntaxError,
            format!(
                "`{path}`{line} does not parse: {}",
                first_line(&exception.message)
            ),
            None,
        ),
    }
}

fn missing_module(exception: &Exception, places: &Places<'_>) -> CauseDetail {
    let Some(name) = exception.name.as_deref() else {
        return detail(Cause::Unknown, summary(exception), None);
    };
    let top = name.split('.').next().unwrap_or(name);
    let owner = match exception.top_file.as_deref() {
        Some(file) => places.module(name, Some(file)),
        None => places.name(name),
    };
    let imported_by_source = broke_while_importing_source(exception, places);
    match owner {
        Owner::Source if imported_by_source => detail(
            Cause::BrokenBase,
            format!("source cannot be imported: it imports `{name}`, which does not exist"),
            Some(name),
        ),
        Owner::Source => {
            similar_or_missing(exception, name, name.rsplit('.').next().unwrap_or(name))
        }
        Owner::Test => detail(
            Cause::UndefinedName,
            format!("`{name}` does not exist, and it would be test code"),
            Some(name),
        ),
        Owner::Foreign if exception.top_file.is_some() && name != top => detail(
            Cause::WrongForeignSymbol,
            format!("`{top}` is installed and has no module `{name}`"),
            Some(name),
        ),
        Owner::Foreign if places.is_greenfield() && !imported_by_source => detail(
            Cause::MissingSymbol,
            format!("`{name}` does not exist yet"),
            Some(name),
        ),
        Owner::Foreign => detail(
            Cause::MissingDependency,
            format!("`{name}` is not installed"),
            Some(name),
        ),
    }
}

fn missing_import(exception: &Exception, places: &Places<'_>) -> CauseDetail {
    let symbol = exception.symbol.as_deref().unwrap_or("?");
    let module = exception.name.as_deref().unwrap_or("?");
    match places.module(module, exception.path.as_deref()) {
        Owner::Source if broke_while_importing_source(exception, places) => detail(
            Cause::BrokenBase,
            format!("source cannot be imported: {}", summary(exception)),
            Some(symbol),
        ),
        Owner::Source => similar_or_missing(exception, symbol, symbol),
        Owner::Test => detail(
            Cause::UndefinedName,
            format!("`{module}` is test code and has no `{symbol}`"),
            Some(symbol),
        ),
        Owner::Foreign => detail(
            Cause::WrongForeignSymbol,
            format!("`{module}` has no `{symbol}`, and it is not part of this project"),
            Some(symbol),
        ),
    }
}

fn missing_attribute(exception: &Exception, places: &Places<'_>) -> Option<CauseDetail> {
    let name = exception.name.as_deref()?;
    let owner = exception.owner.as_ref()?;
    match places.module(&owner.module, owner.file.as_deref()) {
        Owner::Source => Some(similar_or_missing(exception, name, name)),
        Owner::Test => Some(detail(
            Cause::UndefinedName,
            format!("`{}` is test code and has no `{name}`", owner.name),
            Some(name),
        )),
        Owner::Foreign if by_value(exception, places).is_some() => by_value(exception, places),
        // `None`, numbers and texts: a stub's return value as often as a mistake of the test.
        Owner::Foreign if owner.module == "builtins" => Some(detail(
            Cause::RaisedInTest,
            format!("a value of type `{}` has no `{name}`", owner.name),
            Some(name),
        )),
        Owner::Foreign => Some(detail(
            Cause::WrongForeignSymbol,
            format!(
                "`{}` has no `{name}`, and it is not part of this project",
                owner.name
            ),
            Some(name),
        )),
    }
}

/// A first-party name that does not exist: accepted, unless a name that is nearly the same exists (typo guard).
fn similar_or_missing(exception: &Exception, symbol: &str, last: &str) -> CauseDetail {
    let near = exception.similar.iter().find(|name| {
        let distance = strsim::damerau_levenshtein(name, last);
        distance <= 2 && distance * 3 <= last.chars().count()
    });
    match near {
        Some(name) => detail(
            Cause::SimilarName,
            format!("`{last}` does not exist; did you mean `{name}`?"),
            Some(symbol),
        ),
        None => detail(
            Cause::MissingSymbol,
            format!("`{symbol}` does not exist yet"),
            Some(symbol),
        ),
    }
}

fn type_error(exception: &Exception, places: &Places<'_>) -> Option<CauseDetail> {
    let callee = exception.callee.as_ref()?;
    let Some(module) = callee.module.as_deref() else {
        return by_value(exception, places)
            .or_else(|| Some(detail(Cause::TypeMismatch, summary(exception), None)));
    };
    match places.module(module, callee.file.as_deref()) {
        Owner::Source => Some(detail(
            Cause::Signature,
            format!(
                "`{}` has another signature: {}",
                callee.name,
                first_line(&exception.message)
            ),
            Some(&callee.name),
        )),
        Owner::Test => Some(detail(
            Cause::DoesNotCompile,
            format!(
                "`{}` is test code and is called wrongly: {}",
                callee.name,
                first_line(&exception.message)
            ),
            Some(&callee.name),
        )),
        Owner::Foreign => Some(detail(
            Cause::WrongForeignSymbol,
            format!(
                "`{}` is called wrongly: {}",
                callee.name,
                first_line(&exception.message)
            ),
            Some(&callee.name),
        )),
    }
}

/// Refused connections, unknown hosts, full disks, missing permissions. A `ConnectionError` that first-party source
/// raises by itself carries no system error number and is behaviour.
fn is_environment(exception: &Exception, places: &Places<'_>) -> bool {
    const SYSTEM: [i32; 13] = [1, 12, 13, 28, 98, 101, 104, 110, 111, 112, 113, 99, -2];
    const TYPES: [&str; 9] = [
        "OperationalError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectionError",
        "NoServersError",
        "ServerSelectionTimeoutError",
        "CannotConnectNowError",
        "NoBrokersAvailable",
        "DockerException",
    ];
    let network =
        |is: &dyn Fn(&str) -> bool| is("builtins.ConnectionError") || is("socket.gaierror");
    if exception.is("urllib.error.URLError")
        && exception
            .cause
            .as_ref()
            .is_some_and(|cause| network(&|base| cause.bases.iter().any(|known| known == base)))
    {
        return true;
    }
    if exception.is("builtins.OSError") && !network(&|base| exception.is(base)) {
        return exception.errno.is_some_and(|errno| SYSTEM.contains(&errno));
    }
    let inner = exception.frames.last().map(|frame| places.file(&frame.0));
    let outside = inner == Some(Owner::Foreign);
    if network(&|base| exception.is(base)) {
        return exception.errno.is_some() || outside;
    }
    let foreign_type = exception.bases.first().is_some_and(|base| {
        !base.starts_with("builtins.")
            && TYPES.iter().any(|name| base.ends_with(&format!(".{name}")))
    });
    foreign_type
        && (outside
            || exception.cause.as_ref().is_some_and(|cause| {
                network(&|base| cause.bases.iter().any(|known| known == base))
            }))
}
