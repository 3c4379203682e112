//! What calls mean that assert nothing: doubles, waits, chance.

use super::chain::Part;
use crate::quality::model::{Double, DoubleKind, FactKind};
use oxc_ast::ast::{Argument, Expression};

/// The fact of a call.
pub(super) fn fact(name: &str, parts: &[Part<'_, '_>], in_test: bool) -> Option<FactKind> {
    let last = parts.last()?;
    let first_text = string(last.arguments.and_then(|arguments| arguments.first()));
    if let Some(kind) = double(name, first_text.as_deref()) {
        return Some(FactKind::Double(Double {
            kind,
            name: name.to_owned(),
        }));
    }
    match name {
        "process.exit" | "process.abort" if in_test => Some(FactKind::Tampers {
            how: "ends the process of the runner".to_owned(),
        }),
        "Math.random" | "crypto.randomUUID" => Some(FactKind::Unrepeatable { on: "chance" }),
        "console.log" | "console.debug" | "console.dir" | "screen.debug" => Some(FactKind::Prints),
        _ if matches!(last.name.as_str(), "readFileSync" | "readFile")
            && first_text.as_deref().is_some_and(is_source) =>
        {
            Some(FactKind::ReadsImplementation)
        }
        _ if matches!(last.name.as_str(), "waitForTimeout") => Some(FactKind::Sleep),
        "sleep" | "delay" | "wait" | "timers.setTimeout"
            if is_number(last.arguments.and_then(|arguments| arguments.first())) =>
        {
            Some(FactKind::Sleep)
        }
        "cy.wait" if is_number(last.arguments.and_then(|arguments| arguments.first())) => {
            Some(FactKind::Sleep)
        }
        _ => None,
    }
}

/// The kind of double behind a call.
fn double(name: &str, first: Option<&str>) -> Option<DoubleKind> {
    Some(match name {
        "jest.mock"
        | "vi.mock"
        | "jest.doMock"
        | "vi.doMock"
        | "jest.unstable_mockModule"
        | "jest.spyOn"
        | "vi.spyOn"
        | "jest.replaceProperty"
        | "vi.stubGlobal"
        | "sinon.stub"
        | "sinon.replace"
        | "mock.method"
        | "t.mock.method"
        | "mock.module"
        | "t.mock.module"
        | "proxyquire"
        | "rewire"
        | "td.replace"
        | "esmock"
        | "mockery.registerMock"
        | "jest.setMock" => DoubleKind::Patch,
        "jest.fn"
        | "vi.fn"
        | "sinon.spy"
        | "sinon.fake"
        | "sinon.mock"
        | "sinon.createStubInstance"
        | "mock.fn"
        | "t.mock.fn"
        | "jasmine.createSpy"
        | "jasmine.createSpyObj"
        | "spyOn"
        | "td.func"
        | "td.object"
        | "jest.mocked"
        | "mockDeep"
        | "mock"
        | "jest.createMockFromModule" => DoubleKind::Mock,
        "nock"
        | "setupServer"
        | "setupWorker"
        | "fetchMock.mock"
        | "fetchMock.get"
        | "fetchMock.post"
        | "fetchMock.route"
        | "axiosMock.onGet"
        | "mockAxios.get.mockResolvedValueOnce"
        | "moxios.install"
        | "createServer.mock"
        | "http.get.mock"
        | "page.route"
        | "context.route"
        | "cy.intercept" => DoubleKind::Http,
        "MongoMemoryServer.create" | "MongoMemoryReplSet.create" | "newDb" => DoubleKind::Database,
        _ if first == Some(":memory:")
            || first.is_some_and(|text| text.starts_with("sqlite::memory")) =>
        {
            DoubleKind::Database
        }
        _ => return None,
    })
}

/// The double behind `new X(…)`.
pub(super) fn constructed(class: &str, first: Option<&str>) -> Option<Double> {
    let kind = match class {
        "MockAdapter" | "AxiosMockAdapter" | "MockAgent" => DoubleKind::Http,
        "WS" | "MockWebSocket" | "MockSocket" => DoubleKind::Events,
        "RedisMock" | "IORedisMock" | "MongoMemoryServer" => DoubleKind::Database,
        _ if first == Some(":memory:") => DoubleKind::Database,
        _ => ["Fake", "Stub", "Dummy", "Mock", "InMemory", "Spy"]
            .iter()
            .find_map(|word| {
                class
                    .strip_prefix(word)
                    .filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
                    .map(|_| DoubleKind::Fake)
            })?,
    };
    Some(Double {
        kind,
        name: class.to_owned(),
    })
}

pub(super) fn string(argument: Option<&Argument<'_>>) -> Option<String> {
    match argument?.as_expression()? {
        Expression::StringLiteral(literal) => Some(literal.value.to_string()),
        Expression::TemplateLiteral(template) => Some(
            template
                .quasis
                .iter()
                .map(|part| part.value.raw.as_str())
                .collect::<Vec<_>>()
                .join("…"),
        ),
        _ => None,
    }
}

fn is_number(argument: Option<&Argument<'_>>) -> bool {
    argument.and_then(Argument::as_expression).is_some_and(
        |expression| matches!(expression, Expression::NumericLiteral(number) if number.value > 0.0),
    )
}

fn is_source(path: &str) -> bool {
    (path.starts_with("src/") || path.contains("/src/"))
        && [".js", ".ts", ".tsx", ".jsx", ".mjs"]
            .iter()
            .any(|end| path.ends_with(end))
        && !["fixture", "test", "mock", "sample"]
            .iter()
            .any(|word| path.contains(word))
}
