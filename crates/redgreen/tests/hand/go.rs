//! Go projects (SPEC B1, B2, B3, B5, C2, C7, G4): the real go tool, whichever is installed.

use super::support::Hand;

const CART: &str = "// Package cart adds prices.\npackage cart\n\nimport \"errors\"\n\n// ErrEmpty says so.\nvar ErrEmpty = errors.New(\"empty\")\n\n// Cart holds prices.\ntype Cart struct{ prices []int }\n\n// Add adds one.\nfunc (c *Cart) Add(price int) { c.prices = append(c.prices, price) }\n\n// Len counts.\nfunc (c *Cart) Len() int { return len(c.prices) }\n\n// First is the first price.\nfunc (c *Cart) First() int { return c.prices[0] }\n\n// Mean is not written yet.\nfunc Mean(c *Cart) int { panic(\"not implemented\") }\n\n// Sum adds two.\nfunc Sum(a, b int) int { return a + b }\n";

const OLD: &str = "package cart\n\nimport \"testing\"\n\nfunc TestLen(t *testing.T) {\n\tc := &Cart{}\n\tc.Add(3)\n\tif got := c.Len(); got != 1 {\n\t\tt.Errorf(\"Len() = %d, want 1\", got)\n\t}\n}\n";

const TOTAL_TEST: &str = "package cart\n\nimport \"testing\"\n\nfunc TestTotal(t *testing.T) {\n\ttests := []struct {\n\t\tname   string\n\t\tprices []int\n\t\twant   int\n\t}{\n\t\t{\"none\", nil, 0},\n\t\t{\"two (3, 4)\", []int{3, 4}, 7},\n\t}\n\tfor _, tt := range tests {\n\t\tt.Run(tt.name, func(t *testing.T) {\n\t\t\tc := &Cart{}\n\t\t\tfor _, price := range tt.prices {\n\t\t\t\tc.Add(price)\n\t\t\t}\n\t\t\tif got := c.Total(); got != tt.want {\n\t\t\t\tt.Errorf(\"Total() = %d, want %d\", got, tt.want)\n\t\t\t}\n\t\t})\n\t}\n}\n";

const TOTAL: &str = "\n// Total sums up.\nfunc (c *Cart) Total() int {\n\ttotal := 0\n\tfor _, price := range c.prices {\n\t\ttotal += price\n\t}\n\treturn total\n}\n";

fn shop() -> Hand {
    Hand::with(&[
        ("go.mod", "module example.com/shop\n\ngo 1.19\n"),
        ("cart/cart.go", CART),
        ("cart/cart_test.go", OLD),
    ])
}

#[test]
fn b5_a_go_task_goes_from_red_to_full() {
    let hand = shop();
    hand.write("cart/total_test.go", TOTAL_TEST);
    let red = hand.rg(&["lock", "T1"]).ends(0);
    assert_eq!(red.test("::TestTotal")["cause"], "missing_symbol");
    // Begun and wrong: the subtest that fails is named as the go tool names it.
    hand.append(
        "cart/cart.go",
        &TOTAL.replace("total += price", "total = price"),
    );
    let green = hand.rg(&["green", "T1"]).ends(10);
    let case = green.test("::TestTotal/two_(3,_4)");
    assert_eq!(case["outcome"], "failed");
    assert_eq!(case["line"], 21);
    assert!(
        case["message"].as_str().unwrap().contains("want 7"),
        "{case}"
    );
    assert_eq!(green.test("::TestTotal/none")["outcome"], "passed");
    let text = hand
        .read("cart/cart.go")
        .replace("total = price", "total += price");
    hand.write("cart/cart.go", &text);
    let green = hand.rg(&["green", "T1"]).ends(0);
    assert!(green.stdout.contains("expectations"), "{green:#?}");
    hand.rg(&["full", "T1"]).ends(0);
}

#[test]
fn b3_go_reds_of_missing_behaviour_are_accepted() {
    let hand = shop();
    let test = |package: &str, imports: &str, body: &str| {
        format!(
            "package {package}\n\nimport (\n\t\"testing\"\n{imports})\n\nfunc TestNew(t *testing.T) {{\n{body}\n}}\n"
        )
    };
    let shop = "\t\"example.com/shop/cart\"\n";
    let fails = "\t\tt.Fatal(\"x\")\n\t}";
    for (path, text, cause) in [
        (
            "cart/new_test.go",
            test("cart", "", &format!("\tif Subtract(3, 1) != 2 {{\n{fails}")),
            "missing_symbol",
        ),
        (
            "cart/new_test.go",
            test("cart", "", &format!("\tif normalize(3) != 2 {{\n{fails}")),
            "missing_symbol",
        ),
        (
            "cart/new_test.go",
            test(
                "cart_test",
                shop,
                &format!("\tif cart.Subtract(3, 1) != 2 {{\n{fails}"),
            ),
            "missing_symbol",
        ),
        (
            "cart/new_test.go",
            test(
                "cart_test",
                shop,
                &format!("\tif (&cart.Cart{{}}).Total() != 0 {{\n{fails}"),
            ),
            "missing_symbol",
        ),
        (
            "cart/new_test.go",
            test("cart", "", &format!("\tif Sum(1, 2, 3) != 6 {{\n{fails}")),
            "signature",
        ),
        (
            "cart/new_test.go",
            test(
                "cart",
                "",
                &format!("\tif Mean(&Cart{{}}) != 0 {{\n{fails}"),
            ),
            "not_implemented",
        ),
        (
            "cart/new_test.go",
            test(
                "cart",
                "",
                &format!("\tif (&Cart{{}}).First() != 0 {{\n{fails}"),
            ),
            "raised_in_source",
        ),
        (
            "cart/new_test.go",
            test("cart", "", &format!("\tif Sum(1, 2) != 4 {{\n{fails}")),
            "assertion",
        ),
        (
            "price/new_test.go",
            test("price", "", &format!("\tif New(3) != 3 {{\n{fails}")),
            "missing_symbol",
        ),
        (
            "price/new_test.go",
            test(
                "price_test",
                "\t\"example.com/shop/price\"\n",
                &format!("\tif price.New(3) != 3 {{\n{fails}"),
            ),
            "missing_symbol",
        ),
        (
            "cart/new_test.go",
            test(
                "cart_test",
                "\t\"example.com/shop/price\"\n",
                &format!("\tif price.New(3) != 3 {{\n{fails}"),
            ),
            "missing_symbol",
        ),
    ] {
        hand.write(path, &text);
        let red = hand.rg(&["red", "T1"]).ends(0);
        assert_eq!(red.test("::TestNew")["cause"], cause, "{text}\n{red:#?}");
        hand.remove(path);
    }
    hand.write("cart/new_test.go", "package cart\n\nimport \"fmt\"\n\nfunc ExampleSum() {\n\tfmt.Println(Sum(1, 2))\n\t// Output: 4\n}\n");
    let red = hand.rg(&["red", "T1"]).ends(0);
    assert_eq!(red.test("::ExampleSum")["cause"], "assertion");
    hand.write("cart/new_test.go", "package cart\n\nimport \"testing\"\n\nfunc FuzzSum(f *testing.F) {\n\tf.Add(1)\n\tf.Fuzz(func(t *testing.T, n int) {\n\t\tif Sum(n, 1) != n {\n\t\t\tt.Error(n)\n\t\t}\n\t})\n}\n\nfunc BenchmarkSum(b *testing.B) { b.Fatal(\"never run\") }\n");
    let red = hand.rg(&["red", "T1"]).ends(0);
    assert_eq!(red.test("::FuzzSum/seed#0")["outcome"], "failed");
}

#[test]
fn b3_go_tests_that_are_wrong_themselves_are_refused() {
    let hand = shop();
    let test = |imports: &str, body: &str| {
        format!(
            "package cart\n\nimport (\n\t\"testing\"\n{imports})\n\nfunc TestNew(t *testing.T) {{\n{body}\n}}\n"
        )
    };
    let of = |sum: &str| format!("\tif Sum(1, 2) != {sum} {{\n\t\tt.Error(1)\n\t}}");
    for (text, code, word) in [
        (
            test("", "\tif Sum(1, 2) != 4 {\n\t\tt.Error(1)\n"),
            10,
            "syntax_error",
        ),
        (
            test(
                "",
                "\ttotal := 4\n\tif Sum(1, 2) != totl {\n\t\tt.Error(1)\n\t}",
            ),
            10,
            "undefined_name",
        ),
        (
            test("", "\tassertEqual(t, Sum(1, 2), 4)"),
            10,
            "undefined_name",
        ),
        (
            test("", &of("strings.Count(\"a\", \"b\")")),
            10,
            "undefined_name",
        ),
        (test("\t\"os\"\n", &of("4")), 10, "does_not_compile"),
        (
            test("", &format!("\tunused := 1\n{}", of("4"))),
            10,
            "does_not_compile",
        ),
        (
            test("", "\tif Sum(1, 2) != 4 {\n\t\tt.Fatall(1)\n\t}"),
            10,
            "wrong_foreign_symbol",
        ),
        (
            test("\t\"strings\"\n", &of("strings.Cnt(\"a\")")),
            10,
            "wrong_foreign_symbol",
        ),
        (
            test(
                "\t\"github.com/nobody/assert\"\n",
                "\tassert.Equal(t, Sum(1, 2), 4)",
            ),
            10,
            "missing_dependency",
        ),
        (
            test("\t\"example.com/shop/cartt\"\n", &of("cartt.New()")),
            10,
            "wrong_import",
        ),
        (
            test("", "\tt.Fatal(\"not implemented\")"),
            10,
            "always_fails",
        ),
        (
            test("", "\tif 1 != 2 {\n\t\tt.Error(1)\n\t}"),
            10,
            "always_fails",
        ),
        (test("", ""), 10, "always_fails"),
        (
            test("", &format!("\tt.Skip(\"later\")\n{}", of("4"))),
            10,
            "skipped",
        ),
        (test("", &of("3")), 10, "not_red"),
        (
            test("", "\tif Sum(\"a\", 2) != 4 {\n\t\tt.Error(1)\n\t}"),
            16,
            "type_mismatch",
        ),
        (
            test("", "\tvar c *Cart\n\t_ = c.prices[0]"),
            16,
            "raised_in_test",
        ),
        (
            test("\t\"os\"\n", "\tif Sum(1, 2) != 4 {\n\t\tos.Exit(3)\n\t}"),
            16,
            "crash",
        ),
    ] {
        hand.write("cart/new_test.go", &text);
        let red = hand.rg(&["red", "T1"]).ends(code);
        assert!(red.stdout.contains(word), "{word}:\n{text}\n{red:#?}");
    }
    // A misspelt member of an own type.
    hand.write(
        "cart/new_test.go",
        &test(
            "",
            "\tc := &Cart{}\n\tif c.Firts() != 4 {\n\t\tt.Error(1)\n\t}",
        ),
    );
    hand.rg(&["red", "T1"]).ends(16).says("did you mean");
    // A name that the go tool does not run.
    hand.write(
        "cart/new_test.go",
        &test("", &of("4")).replace("TestNew", "TestnEw"),
    );
    hand.rg(&["red", "T1"]).ends(10).reason("no_tests");
    // Excluded by its constraints.
    hand.write(
        "cart/new_test.go",
        &format!("//go:build never\n\n{}", test("", &of("4"))),
    );
    hand.rg(&["red", "T1"])
        .ends(10)
        .reason("test_not_collected");
}

#[test]
fn b1_go_programs_that_end_themselves_or_print_results_are_no_pass() {
    let hand = shop();
    hand.write("cart/total_test.go", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    let stub = "\n// Total is no total.\nfunc (c *Cart) Total() int { return -1 }\n";
    let with = |body: &str| {
        CART.replace("import \"errors\"", "import (\n\t\"errors\"\n\t\"fmt\"\n\t\"os\"\n\t\"strings\"\n\t\"syscall\"\n)\n\nvar _ = fmt.Sprint(os.Args, strings.ToUpper(\"\"), syscall.EINVAL)\n")
            + stub
            + &format!("\nfunc init() {{\n\tif !strings.HasSuffix(os.Args[0], \".test\") {{\n\t\treturn\n\t}}\n{body}\n}}\n")
    };
    // The bytes that the testing package writes, then success.
    let lines: String = ["TestTotal", "TestTotal/none", "TestTotal/two_(3,_4)"]
        .iter()
        .map(|name| format!("\tfmt.Print(\"\\x16=== RUN   {name}\\n\")\n"))
        .chain(
            ["TestTotal/none", "TestTotal/two_(3,_4)", "TestTotal"]
                .iter()
                .map(|name| format!("\tfmt.Print(\"\\x16--- PASS: {name} (0.00s)\\n\")\n")),
        )
        .collect();
    for (body, code) in [
        ("\tos.Exit(0)".to_owned(), 11),
        (
            format!("{lines}\tfmt.Print(\"\\x16PASS\\n\")\n\tsyscall.Exit(0)"),
            13,
        ),
        (
            format!(
                "{}\tfmt.Print(\"PASS\\n\")\n\tos.Exit(0)",
                lines.replace("\\x16", "")
            ),
            13,
        ),
        // The framework goes on and says otherwise.
        (lines.clone(), 10),
    ] {
        hand.write("cart/cart.go", &with(&body));
        let green = hand.rg(&["green", "T1"]);
        assert!(
            green.code == code
                || (green.code == 11 && code == 13)
                || (green.code == 13 && code == 10),
            "{body}\n{green:#?}"
        );
    }
}

#[test]
fn c2_a_go_module_from_beside_the_repository_is_not_the_tree() {
    let hand = shop();
    hand.append(
        "go.mod",
        "\nrequire example.com/other v0.0.0\n\nreplace example.com/other => ../other\n",
    );
    hand.commit("other");
    hand.write("cart/total_test.go", TOTAL_TEST);
    hand.rg(&["red", "T1"])
        .ends(11)
        .reason("code_loaded_from_elsewhere");
}

#[test]
fn b2_a_panic_hides_no_other_test_and_modules_of_a_workspace_run_apart() {
    let hand = Hand::with(&[
        ("go.work", "go 1.19\n\nuse (\n\t./a\n\t./b\n)\n"),
        ("a/go.mod", "module example.com/a\n\ngo 1.19\n"),
        (
            "a/a.go",
            "package a\n\nfunc At(list []int, n int) int { return list[n] }\n",
        ),
        ("b/go.mod", "module example.com/b\n\ngo 1.19\n"),
        (
            "b/b.go",
            "package b\n\nimport \"example.com/a\"\n\nfunc First(list []int) int { return a.At(list, 0) }\n",
        ),
        (
            "b/b_test.go",
            "package b\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) {\n\tif First([]int{1}) != 1 {\n\t\tt.Error(1)\n\t}\n}\n",
        ),
    ]);
    hand.write("a/a_test.go", "package a\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {\n\tif At(nil, 0) != 0 {\n\t\tt.Error(1)\n\t}\n}\n\nfunc TestB(t *testing.T) {\n\tt.Run(\"x\", func(t *testing.T) {\n\t\tif At(nil, 1) != 0 {\n\t\t\tt.Error(1)\n\t\t}\n\t})\n}\n\nfunc TestC(t *testing.T) {\n\tif At([]int{1}, 0) != 2 {\n\t\tt.Error(\"c\")\n\t}\n}\n");
    hand.append(
        "b/b_test.go",
        "\nfunc TestNew(t *testing.T) {\n\tif First(nil) != 0 {\n\t\tt.Error(1)\n\t}\n}\n",
    );
    let red = hand.rg(&["red", "T1"]).ends(0);
    for (name, cause) in [
        ("::TestA", "raised_in_source"),
        ("::TestB/x", "raised_in_source"),
        ("::TestC", "assertion"),
        ("::TestNew", "raised_in_source"),
    ] {
        assert_eq!(red.test(name)["cause"], cause, "{name}: {red:#?}");
    }
}
