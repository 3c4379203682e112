use super::*;
use crate::go::build;

const INTERNAL: &str = "package cart\n\nimport \"testing\"\n\nfunc TestOne(t *testing.T) {\n\ttotal := 3\n\tif totl != 3 {\n\t}\n\tstrings.ToUpper(\"x\")\n\tassertEq(t, 1, 2)\n\tif normalize(\"x\") != want {\n\t}\n\t_ = mode{}\n}\n";
const EXTERNAL: &str = "package cart_test\n\nimport (\n\t\"os\"\n\tstr \"strings\"\n\t\"testing\"\n\n\t\"example.com/shop/cart\"\n\t\"github.com/x/go-yaml/v2\"\n)\n\nfunc TestOne(t *testing.T) {\n\tBlue()\n}\n";

fn of(line: &str, text: &str) -> (Cause, Option<String>) {
    let errors = build::read(line).errors;
    let modules = ["example.com/shop".to_owned()];
    let packages = BTreeSet::from([
        "example.com/shop/cart".to_owned(),
        "example.com/shop/store".to_owned(),
    ]);
    let of_tests = BTreeSet::from(["fakeClock".to_owned(), "helper".to_owned()]);
    let found = cause(
        &errors[0],
        &Facts {
            modules: &modules,
            packages: &packages,
            text,
            of_tests: &of_tests,
        },
    );
    (found.cause, found.symbol)
}

#[test]
fn b3_errors_of_the_compiler_have_the_cause_of_the_table() {
    for (line, expected) in [
        ("a_test.go:7:5: undefined: totl", Cause::UndefinedName),
        ("a_test.go:9:2: undefined: strings", Cause::UndefinedName),
        ("a_test.go:10:2: undefined: assertEq", Cause::UndefinedName),
        ("a_test.go:11:5: undefined: normalize", Cause::MissingSymbol),
        ("a_test.go:11:23: undefined: want", Cause::UndefinedName),
        ("a_test.go:13:6: undefined: mode", Cause::MissingSymbol),
        ("a_test.go:12:5: undefined: Subtract", Cause::MissingSymbol),
        (
            "a_test.go:1:4: c.Remove undefined (type *Cart has no field or method Remove)",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:1:4: c.Sett undefined (type *Cart has no field or method Sett, but does have method Set)",
            Cause::UndefinedName,
        ),
        (
            "a_test.go:1:4: c.Now undefined (type fakeClock has no field or method Now)",
            Cause::UndefinedName,
        ),
        (
            "a_test.go:1:4: t.Fatall undefined (type *testing.T has no field or method Fatall)",
            Cause::WrongForeignSymbol,
        ),
        (
            "a_test.go:1:4: err.Code undefined (type error has no field or method Code)",
            Cause::WrongForeignSymbol,
        ),
        (
            "a_test.go:1:4: unknown field 'Nme' in struct literal of type Cart",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:1:4: unknown field Nme in struct literal of type http.Request",
            Cause::WrongForeignSymbol,
        ),
        (
            "a_test.go:1:4: too many arguments in call to Sum\n\thave (number)\n\twant (int)",
            Cause::Signature,
        ),
        (
            "a_test.go:1:4: too many arguments in call to helper\n\thave (number)\n\twant (int)",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:1:4: too many arguments in call to t.Fail\n\thave (number)\n\twant ()",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:1:4: assignment mismatch: 2 variables but Sum returns 1 value",
            Cause::Signature,
        ),
        (
            "a_test.go:1:4: assignment mismatch: 1 variable but strconv.Atoi returns 2 values",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:1:4: cannot use \"a\" (untyped string constant) as int value in argument to Sum",
            Cause::TypeMismatch,
        ),
        (
            "a_test.go:1:4: cannot use opts (variable of type Options) as int value in argument to Sum",
            Cause::Signature,
        ),
        (
            "a_test.go:1:4: cannot use c (variable of type *Cart) as Pricer value in variable declaration: *Cart does not implement Pricer (missing method Price)",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:1:4: cannot use c (variable of type *Cart) as type Pricer in variable declaration:\n\t*Cart does not implement Pricer (missing Price method)",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:1:4: total declared but not used",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:1:4: \"os\" imported and not used",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:1:4: expected operand, found '{'",
            Cause::SyntaxError,
        ),
        (
            "a_test.go:1:4: syntax error: unexpected newline",
            Cause::SyntaxError,
        ),
        (
            "a_test.go:1:4: TestOne redeclared in this block",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:1:4: no required module provides package example.com/shop/pricing; to add it:",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:1:4: no required module provides package example.com/shop/stor; to add it:",
            Cause::WrongImport,
        ),
        (
            "a_test.go:1:4: no required module provides package github.com/x/y; to add it:",
            Cause::MissingDependency,
        ),
        (
            "a_test.go:1:4: package nosuch/x is not in std (/usr/lib/go/src/nosuch/x)",
            Cause::MissingDependency,
        ),
        (
            "example.com/shop/pricing: no non-test Go files in /t/pricing",
            Cause::MissingSymbol,
        ),
    ] {
        assert_eq!(of(line, INTERNAL).0, expected, "{line}");
    }
}

#[test]
fn b3_a_test_of_another_package_names_the_owner() {
    for (line, expected) in [
        (
            "a_test.go:11:7: undefined: cart.Subtract",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:11:7: undefined: cart.private",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:11:7: undefined: str.Foo",
            Cause::WrongForeignSymbol,
        ),
        (
            "a_test.go:11:7: undefined: strings.Foo",
            Cause::WrongForeignSymbol,
        ),
        (
            "a_test.go:11:7: undefined: yaml.Foo",
            Cause::WrongForeignSymbol,
        ),
        ("a_test.go:13:2: undefined: Blue", Cause::UndefinedName),
        (
            "a_test.go:1:4: c.Remove undefined (type *cart.Cart has no field or method Remove)",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:1:4: c.items undefined (type *cart.Cart has no field or method items)",
            Cause::DoesNotCompile,
        ),
        (
            "a_test.go:1:4: s.Get undefined (type store.Store has no field or method Get)",
            Cause::MissingSymbol,
        ),
        (
            "a_test.go:1:4: not enough arguments in call to cart.Sum\n\thave (number)\n\twant (int, int)",
            Cause::Signature,
        ),
        (
            "a_test.go:1:4: not enough arguments in call to os.Open\n\thave ()\n\twant (string)",
            Cause::DoesNotCompile,
        ),
    ] {
        assert_eq!(of(line, EXTERNAL).0, expected, "{line}");
    }
}

#[test]
fn b3_what_follows_from_another_error_is_left_out() {
    let text = "a_test.go:6:2: declared and not used: total\na_test.go:7:5: undefined: totl\na_test.go:17:2: declared and not used: a\na_test.go:17:7: undefined: cart.Make\na_test.go:18:26: not enough arguments in call to time.Unix\n\thave (unknown type)\n\twant (int64, int64)\n";
    let errors = build::read(text).errors;
    let modules = ["example.com/shop".to_owned()];
    let packages = BTreeSet::from(["example.com/shop/cart".to_owned()]);
    let found = causes(&errors, &|_, with| {
        with(&Facts {
            modules: &modules,
            packages: &packages,
            text: "package cart\n",
            of_tests: &BTreeSet::new(),
        });
    });
    let causes: Vec<Cause> = found.iter().map(|(_, detail)| detail.cause).collect();
    assert_eq!(
        causes,
        [
            Cause::DoesNotCompile,
            Cause::UndefinedName,
            Cause::MissingSymbol
        ]
    );
}
