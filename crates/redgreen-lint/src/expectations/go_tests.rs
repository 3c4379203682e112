use crate::Language;
use crate::expectations::{Change, Mutated, Seed, mutate, mutate_as};
use redgreen_core::id::ItemId;

fn changed(text: &str, names: &[&str]) -> Mutated {
    let items: Vec<ItemId> = names
        .iter()
        .map(|name| ItemId::try_from(format!("a_test.go::{name}")).unwrap())
        .collect();
    let mutated = mutate(Language::Go, text, &items).unwrap();
    let tree = crate::syntax::parse(Language::Go, &mutated.text).unwrap();
    assert!(
        crate::syntax::first_syntax_error(&tree, &mutated.text).is_none(),
        "{}",
        mutated.text
    );
    mutated
}

#[test]
fn c7_conditions_that_fail_when_values_differ_get_another_value() {
    let text = "package a\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {\n\tif got := F(); got != 3 {\n\t\tt.Errorf(\"x\")\n\t}\n\tfor _, tt := range tests {\n\t\tt.Run(tt.name, func(t *testing.T) {\n\t\t\tif got := F(); got != tt.want {\n\t\t\t\tt.Errorf(\"x\")\n\t\t\t}\n\t\t})\n\t}\n\tif !reflect.DeepEqual(got, want) {\n\t\tt.Fatal(1)\n\t}\n\tif diff := cmp.Diff(want, got); diff != \"\" {\n\t\tt.Fatal(diff)\n\t}\n}\n";
    let out = changed(text, &["TestA"]);
    assert_eq!(out.sites.len(), 4, "{}", out.text);
    assert!(out.text.contains("(got != 64)"), "{}", out.text);
    assert!(out.sites[0].certain && !out.sites[1].certain);
    assert!(out.text.contains("tt.want)"));
    assert_eq!(
        out.text
            .lines()
            .position(|line| line.contains("cmp.Diff(redgreenOther")),
        text.lines().position(|line| line.contains("cmp.Diff("))
    );
}

#[test]
fn c7_truth_nil_order_and_negative_comparisons_have_no_other_value() {
    let text = "package a\n\nfunc TestA(t *testing.T) {\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n\tif a == b {\n\t\tt.Error(1)\n\t}\n\tif !ok {\n\t\tt.Error(1)\n\t}\n\tif a > 3 {\n\t\tt.Error(1)\n\t}\n\tif a != b && c {\n\t\tt.Error(1)\n\t}\n\tif a != b {\n\t\tlog()\n\t}\n}\n";
    let out = changed(text, &["TestA"]);
    assert!(out.sites.is_empty());
    assert_eq!(out.text, text);
}

#[test]
fn c7_testify_and_the_tests_own_assertions_are_changed() {
    let text = "package a\n\nimport \"github.com/stretchr/testify/assert\"\n\nfunc TestA(t *testing.T) {\n\tassert.Equal(t, 3, F())\n\trequire.Equal(t, want, F())\n\tassert.Len(t, F(), 2)\n\tassert.True(t, ok)\n\tassert.ErrorIs(t, err, ErrX)\n}\n\nfunc check(t *testing.T, got, want string) {\n\tif got != want {\n\t\tt.Errorf(\"x\")\n\t}\n}\n";
    let out = changed(text, &["TestA"]);
    let lines: Vec<(u32, bool)> = out
        .sites
        .iter()
        .map(|site| (site.line, site.item.is_some()))
        .collect();
    assert_eq!(
        lines,
        [(6, true), (7, true), (8, true), (10, true), (14, false)]
    );
    assert!(out.text.contains("\"::\"+t.Name()"));
    assert!(
        out.text.contains("!assert.Equal(t, 64, F())"),
        "{}",
        out.text
    );
}

#[test]
fn c7_the_same_changes_keep_the_original_values() {
    let text = "package a\n\nfunc TestA(t *testing.T) {\n\tif got := F(); got != 3 {\n\t\tt.Error(1)\n\t}\n\tif G() != limit {\n\t\tt.Error(1)\n\t}\n}\n";
    let items = [ItemId::try_from("a_test.go::TestA".to_owned()).unwrap()];
    let nothing = std::collections::BTreeSet::new();
    let seed = Seed::default();
    let of =
        |change| mutate_as(Language::Go, text, &items, None, (change, &seed), &nothing).unwrap();
    let (other, as_is) = (of(Change::SameType), of(Change::AsIs));
    assert_eq!(other.sites, as_is.sites);
    assert!(other.text.contains("(got != 64)") && as_is.text.contains("(got != 3)"));
    assert!(as_is.text.contains("(G() != limit)"), "{}", as_is.text);
}
