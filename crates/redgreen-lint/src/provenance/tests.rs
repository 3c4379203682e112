use super::{Origin, Question, Setting, may_extend, origin};

fn asked(body: &str, question: Question<'_>) -> Origin {
    let text = format!("use shop::Money;\n#[test]\nfn it() {{\n{body}\n}}\n");
    origin(
        &text,
        question,
        Setting {
            is_own_crate: &|name| name == "shop",
            in_source: false,
        },
    )
}

/// The place of a mark in a body that begins at line 4.
fn place(body: &str, mark: &str) -> (u32, u32) {
    let at = body.find(mark).unwrap();
    let line = body[..at].matches('\n').count() as u32 + 4;
    let column = at - body[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
    (line, column as u32)
}

#[test]
fn b3_what_a_test_stumbles_over_is_the_codes_or_its_own() {
    for (body, mark, expected) in [
        (
            "shop::find(\"tea\").unwrap();",
            "unwrap",
            Origin::FirstParty,
        ),
        (
            "let found = shop::find(\"tea\");\nfound.unwrap();",
            "unwrap",
            Origin::FirstParty,
        ),
        (
            "assert_eq!(shop::words(\"a\")[1], \"b\");",
            "shop::words",
            Origin::FirstParty,
        ),
        (
            "let n: u32 = \"two\".parse().unwrap();",
            "unwrap",
            Origin::Own,
        ),
        (
            "let n = \"two\".parse::<u32>().unwrap();",
            "unwrap",
            Origin::Own,
        ),
        (
            "let n = \"two\".parse::<Money>().unwrap();",
            "unwrap",
            Origin::FirstParty,
        ),
        (
            "let n: Money = \"two\".parse().unwrap();",
            "unwrap",
            Origin::Unknown,
        ),
        (
            "let all = vec![1, 2];\nlet n = all[2];",
            "all[2]",
            Origin::Own,
        ),
        (
            "std::fs::read_to_string(\"x\").unwrap();",
            "unwrap",
            Origin::Own,
        ),
        (
            "std::fs::read_to_string(shop::path()).unwrap();",
            "unwrap",
            Origin::FirstParty,
        ),
        ("helper().unwrap();", "unwrap", Origin::Unknown),
        (
            "let Some(n) = shop::find(\"tea\") else { panic!(\"none\") };",
            "panic",
            Origin::FirstParty,
        ),
        (
            "match shop::find(\"tea\") { Some(_) => {} None => panic!() }",
            "panic",
            Origin::FirstParty,
        ),
        ("if 1 > 2 { panic!() }", "panic", Origin::Own),
    ] {
        let (line, column) = place(body, mark);
        assert_eq!(
            asked(body, Question::Panic(line, column)),
            expected,
            "{body}"
        );
    }
}

#[test]
fn b3_a_statement_and_a_receiver_are_followed_too() {
    assert_eq!(
        asked("let n: u32 = \"two\";", Question::Statement(4)),
        Origin::Own
    );
    assert_eq!(
        asked("assert_eq!(shop::price(\"2\"), 4);", Question::Statement(4)),
        Origin::FirstParty
    );
    let body = "let all = vec![1u32];\nassert_eq!(shop::price(all.total()), 4);";
    assert_eq!(asked(body, Question::Receiver(5, "total")), Origin::Own);
    assert_eq!(
        asked(
            "shop::words(\"a\").total();",
            Question::Receiver(4, "total")
        ),
        Origin::FirstParty
    );
    let setting = Setting {
        is_own_crate: &|name| name == "shop",
        in_source: false,
    };
    assert!(may_extend("use shop::SumExt;", setting));
    assert!(!may_extend(
        "use shop::price;\nuse std::fmt::Write;",
        setting
    ));
}
