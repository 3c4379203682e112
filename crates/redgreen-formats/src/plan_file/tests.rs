use super::*;
use proptest::prelude::*;
use redgreen_core::plan::{Mode, Priority};

const SAMPLE: &str = r#"{
  "name": "shortener",
  "description": "short links",
  "status": "APPROVED",
  "x_owner": {"team": "web"},
  "tasks": [
    {
      "id": "T1",
      "name": "slug",
      "dod": "AC-1: lower case only",
      "labels": ["a"],
      "passes": false
    },
    {
      "id": "T2", "name": "expiry", "mode": "fix", "priority": "high", "issue": 12,
      "criteria": ["expired is 410", "AC-1: others are 200", "UTF-8: accepted"],
      "depends_on": ["T1"]
    }
  ]
}
"#;

fn problems(text: &str) -> Vec<String> {
    parse(text.as_bytes())
        .unwrap_err()
        .problems
        .iter()
        .map(ToString::to_string)
        .collect()
}
fn one_task(fields: &str) -> String {
    format!(
        "{{\"name\":\"p\",\"tasks\":[{{\"id\":\"T1\",\"name\":\"n\",\"dod\":\"d\",{fields}}}]}}"
    )
}

#[test]
fn a1_a_plan_is_read_with_its_criteria_and_unknown_fields() {
    let file = parse(SAMPLE.as_bytes()).unwrap();
    assert_eq!(file.plan.status, PlanStatus::Approved);
    let [first, second] = file.plan.tasks.as_slice() else {
        panic!("two tasks");
    };
    assert_eq!(
        (
            first.criteria[0].id.as_str(),
            first.criteria[0].text.as_str()
        ),
        ("AC-1", "lower case only")
    );
    let criteria: Vec<_> = second
        .criteria
        .iter()
        .map(|c| (c.id.as_str(), c.text.as_str()))
        .collect();
    assert_eq!(
        criteria,
        [
            ("AC-2", "expired is 410"),
            ("AC-1", "others are 200"),
            ("AC-3", "UTF-8: accepted")
        ]
    );
    assert_eq!(
        (second.mode, second.priority, second.issue.as_deref()),
        (Mode::Fix, Priority(1), Some("12"))
    );
}

#[test]
fn a1_byte_order_mark_and_windows_line_ends_are_accepted_and_kept() {
    let text = format!("\u{feff}{}", SAMPLE.replace('\n', "\r\n"));
    let file = parse(text.as_bytes()).unwrap();
    assert_eq!(
        file.definition,
        parse(SAMPLE.as_bytes()).unwrap().definition
    );
    let mut fields = DerivedFields::default();
    fields.task(&file.plan.tasks[1].id).passes = Edit::Set(true);
    let edited = String::from_utf8(set_derived(text.as_bytes(), &fields).unwrap()).unwrap();
    let inserted = ",\r\n      \"passes\": true";
    assert_eq!(edited.matches(inserted).count(), 1);
    assert_eq!(edited.replace(inserted, ""), text);
}

#[test]
fn g10_syntax_errors_name_line_column_and_the_next_step() {
    for (text, expected) in [
        (
            "{\n  // hi\n}",
            "line 2, column 3: a comment; a plan file is JSON, which has none",
        ),
        (
            "{\"a\": /* x */ 1}",
            "line 1, column 7: a comment; a plan file is JSON, which has none",
        ),
        (
            "# x\n{}",
            "line 1, column 1: a comment; a plan file is JSON, which has none",
        ),
        (
            "{\"a\": 1,}",
            "line 1, column 8: a comma after the last element",
        ),
        ("[1,\n]", "line 1, column 3: a comma after the last element"),
        (
            "{\"a\": 1 \"b\": 2}",
            "line 1, column 9: `,` or `}` was expected, `\"` was found",
        ),
        (
            "{a: 1}",
            "line 1, column 2: a field name was expected, `a` was found",
        ),
        (
            "{\"ä\": 'x'}",
            "line 1, column 7: a string in single quotes",
        ),
        ("{\"a\": tru}", "line 1, column 7: a word that is not JSON"),
        ("{\"a\": 01}", "line 1, column 9: a number that is not JSON"),
        (
            "{\"a\": \"x\ny\"}",
            "line 1, column 9: a line break or control character inside a string",
        ),
        ("{\"a\": \"x", "line 1, column 7: a string without an end"),
        (
            "{\"a\": \"\\ud800\"}",
            "line 1, column 8: an escape that is no character",
        ),
        (
            "{\"a\": 1, \"a\": 2}",
            "line 1, column 10: the field `a` stands twice in one object",
        ),
        (
            "{} x",
            "line 1, column 4: text after the end of the JSON value",
        ),
        (
            "",
            "line 1, column 1: a value was expected, the end of the file was found",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
    let invalid = parse(b"{\n \"a\": \"\xff\"}").unwrap_err();
    assert_eq!(
        invalid.problems[0].to_string(),
        "line 2, column 8: a byte that is not UTF-8"
    );
    let deep = "[".repeat(100_000);
    assert!(
        problems(&deep)[0].contains("more than 64"),
        "no stack overflow"
    );
}

#[test]
fn g10_wrong_types_are_all_named_with_pointer_and_line() {
    let text = "{\"name\": 1,\n\"tasks\": [\n{\"id\": \"T1\", \"name\": \"n\", \"passes\": \"yes\",\n\"depends_on\": [2], \"dod\": {}}, 7]}";
    assert_eq!(
        problems(text),
        [
            "line 1, column 10: a string was expected, a number was found (at `/name`)",
            "line 3, column 37: `true` or `false` was expected, a string was found (at `/tasks/0/passes`)",
            "line 4, column 16: a string was expected, a number was found (at `/tasks/0/depends_on/0`)",
            "line 4, column 27: a string or a list of strings was expected, an object was found (at `/tasks/0/dod`)",
            "line 4, column 32: an object (a task) was expected, a number was found (at `/tasks/1`)",
        ]
    );
}

#[test]
fn a1_a_misspelt_field_is_an_error_with_a_suggestion_and_an_unknown_one_is_not() {
    for (field, meant) in [
        ("dependson", "depends_on"),
        ("dependsOn", "depends_on"),
        ("depend_on", "depends_on"),
        ("Passes", "passes"),
        ("pases", "passes"),
        ("acceptanceCriteria", "criteria"),
        ("prioritiy", "priority"),
        ("new-symbols", "new_symbols"),
    ] {
        let found = problems(&one_task(&format!("\"{field}\": []")));
        assert!(
            found[0].contains(&format!(
                "`{field}` is not a field; did you mean `{meant}`?"
            )),
            "{found:?}"
        );
    }
    for field in [
        "labels",
        "doc",
        "title",
        "estimate",
        "x_dependson",
        "files",
        "ids",
        "owner",
    ] {
        assert!(
            parse(one_task(&format!("\"{field}\": 1")).as_bytes()).is_ok(),
            "{field}"
        );
    }
    assert!(problems("{\"name\": \"p\", \"task\": []}")[1].contains("did you mean `tasks`"));
}

#[test]
fn a1_criteria_and_dod_together_are_refused() {
    let found = problems(&one_task("\"criteria\": [\"c\"]"));
    assert!(found[0].contains("not both"), "{found:?}");
}

#[test]
fn a3_plan_problems_carry_the_line_of_their_task() {
    let text = SAMPLE.replace("[\"T1\"]", "[\"T7\"]");
    assert_eq!(
        problems(&text),
        [
            "line 17, column 22: `T2` depends on `T7`, which is not in the plan (at `/tasks/1/depends_on/0`)"
        ]
    );
}

#[test]
fn a1_derived_fields_are_replaced_and_inserted_in_the_files_own_style() {
    let mut fields = DerivedFields {
        status: Some(PlanStatus::InProgress),
        ..DerivedFields::default()
    };
    let first = TaskId::new("T1").unwrap();
    fields.task(&first).passes = Edit::Set(true);
    fields.task(&first).validation_timestamp = Edit::Set("2026-01-02T03:04:05Z".to_owned());
    let edited = String::from_utf8(set_derived(SAMPLE.as_bytes(), &fields).unwrap()).unwrap();
    let expected = SAMPLE.replace("APPROVED", "IN_PROGRESS").replace(
        "\"passes\": false\n",
        "\"passes\": true,\n      \"validation_timestamp\": \"2026-01-02T03:04:05Z\"\n",
    );
    assert_eq!(edited, expected);

    fields.task(&first).validation_timestamp = Edit::Clear;
    let cleared = String::from_utf8(set_derived(edited.as_bytes(), &fields).unwrap()).unwrap();
    assert_eq!(
        cleared,
        expected.replace("\"2026-01-02T03:04:05Z\"", "null")
    );

    let compact = "{\"name\":\"p\",\"tasks\":[{\"id\":\"T1\",\"name\":\"n\",\"dod\":\"d\"}]}";
    let edited = String::from_utf8(set_derived(compact.as_bytes(), &fields).unwrap()).unwrap();
    assert_eq!(
        edited,
        "{\"name\":\"p\",\"status\":\"IN_PROGRESS\",\"tasks\":[{\"id\":\"T1\",\"name\":\"n\",\"dod\":\"d\",\"passes\":true}]}"
    );
}

#[test]
fn a1_a_definition_change_changes_the_digest_and_a_derived_one_does_not() {
    let digest = |text: &str| definition_digest(text.as_bytes()).unwrap();
    let base = digest(SAMPLE);
    let compact: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
    assert_eq!(digest(&compact.to_string()), base);
    assert_eq!(
        digest(&SAMPLE.replace("\"passes\": false", "\"passes\": true")),
        base
    );
    assert_eq!(digest(&SAMPLE.replace("APPROVED", "COMPLETE")), base);
    assert_eq!(
        digest(&SAMPLE.replace("lower case only", "lower c\\u0061se only")),
        base
    );
    for (old, new) in [
        ("lower case", "upper case"),
        ("\"labels\": [\"a\"]", "\"labels\": [\"b\"]"),
        ("\"T1\"]", "\"T1\", \"T1\"]"),
        ("\"web\"", "\"ops\""),
    ] {
        assert_ne!(digest(&SAMPLE.replace(old, new)), base, "{old}");
    }
}

#[test]
fn h7_ten_megabytes_are_read() {
    let padding = "x".repeat(1000);
    let tasks: Vec<_> = (0..9_000)
        .map(|n| format!("{{\"id\":\"T{n}\",\"name\":\"{padding}\",\"dod\":[\"a\"]}}"))
        .collect();
    let text = format!("{{\"name\":\"p\",\"tasks\":[\n{}\n]}}", tasks.join(",\n"));
    assert!(text.len() > 9_000_000);
    assert_eq!(parse(text.as_bytes()).unwrap().plan.tasks.len(), 9_000);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as J;
    let leaf = prop_oneof![
        Just(J::Null),
        any::<bool>().prop_map(J::from),
        any::<i64>().prop_map(J::from),
        any::<String>().prop_map(J::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(J::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(J::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn g10_no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = set_derived(&bytes, &DerivedFields::default());
    }

    #[test]
    fn g10_damaged_plans_never_panic(at in 0..SAMPLE.len(), byte in any::<u8>()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = parse(&bytes);
    }

    #[test]
    fn a1_the_reader_accepts_what_serde_json_accepts(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert!(scan::scan(text.as_bytes()).is_ok(), "{}", text);
    }

    #[test]
    fn g10_what_the_reader_accepts_is_json(text in "[\\[\\]{}\",:0-9a-f\\\\ .eE+\\-u]{0,24}") {
        if scan::scan(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn a1_an_edit_changes_derived_fields_and_not_one_other_byte(
        flags in proptest::collection::vec((any::<bool>(), 0..3usize, any::<bool>()), 1..5),
        pretty in any::<bool>(), crlf in any::<bool>(), extra in json(), status in 0..5usize
    ) {
        let tasks: Vec<_> = flags.iter().enumerate().map(|(n, (has_passes, _, dod_first))| {
            let mut task = serde_json::Map::new();
            if *dod_first { task.insert("dod".into(), "d".into()); }
            task.insert("id".into(), format!("T{n}").into());
            task.insert("name".into(), "n".into());
            if !dod_first { task.insert("criteria".into(), vec!["c"].into()); }
            task.insert("x_extra".into(), extra.clone());
            if *has_passes { task.insert("passes".into(), false.into()); }
            serde_json::Value::from(task)
        }).collect();
        let plan = serde_json::json!({"name": "p", "x_extra": extra, "tasks": tasks});
        let mut text = if pretty { serde_json::to_string_pretty(&plan) } else { serde_json::to_string(&plan) }.unwrap();
        if crlf { text = text.replace('\n', "\r\n"); }
        let before = parse(text.as_bytes()).unwrap();

        let mut fields = DerivedFields { status: Some(PlanStatus::ALL[status]), ..DerivedFields::default() };
        for (n, (_, passes, _)) in flags.iter().enumerate() {
            fields.task(&TaskId::new(format!("T{n}")).unwrap()).passes =
                [Edit::Keep, Edit::Set(false), Edit::Set(true)][*passes].clone();
        }
        let edited = set_derived(text.as_bytes(), &fields).unwrap();
        let after = parse(&edited).unwrap();
        prop_assert_eq!(after.definition, before.definition);
        prop_assert_eq!(after.plan.status, PlanStatus::ALL[status]);
        for (task, (_, passes, _)) in after.plan.tasks.iter().zip(&flags) {
            prop_assert_eq!(task.passes, *passes == 2);
        }
        // Writing the same again changes nothing; removing what was written gives the old bytes back.
        prop_assert_eq!(&set_derived(&edited, &fields).unwrap(), &edited);
        let mut restored = String::from_utf8(edited).unwrap();
        let word = format!("\"{}\"", PlanStatus::ALL[status]);
        for gone in [format!(",\"status\":{word}"), format!(",\n  \"status\": {word}"), format!(",\r\n  \"status\": {word}")] {
            restored = restored.replace(&gone, "");
        }
        let strip = |text: &str| text
            .replace("\"passes\": true", "\"passes\": false")
            .replace("\"passes\":true", "\"passes\":false");
        let strip_inserted = |text: &str| {
            let mut out = strip(text);
            for gone in [",\"passes\":false", ",\n      \"passes\": false", ",\r\n      \"passes\": false"] {
                out = out.replace(gone, "");
            }
            out
        };
        prop_assert_eq!(strip_inserted(&restored), strip_inserted(&text));
    }
}
