//! Questions that nobody looks at the answer of.

use super::walk::Walk;
use crate::quality::model::FactKind;
use crate::syntax::text_of;
use tree_sitter::Node;

impl Walk<'_> {
    /// `_ = got == want`, `reflect.DeepEqual(got, want)` alone: a question that nobody looks at the answer of.
    pub(super) fn unevaluated(&mut self, node: Node<'_>) {
        let text: String = text_of(node, self.text).split_whitespace().collect();
        let asked = match node.kind() {
            "assignment_statement" => match text.strip_prefix("_=") {
                Some(asked) => asked,
                None => return,
            },
            "expression_statement" => {
                if text.starts_with("<-time.After(") {
                    self.fact(node, FactKind::Sleep);
                }
                &text
            }
            _ => return,
        };
        let questions = [
            "reflect.DeepEqual(",
            "cmp.Diff(",
            "cmp.Equal(",
            "errors.Is(",
            "errors.As(",
            "bytes.Equal(",
            "strings.Contains(",
            "strings.HasPrefix(",
            "slices.Equal(",
            "maps.Equal(",
            "assert.ObjectsAreEqual(",
        ];
        let is_comparison = node.kind() == "assignment_statement"
            && ["==", "!="].iter().any(|op| asked.contains(op))
            && !asked.starts_with("func");
        let is_bare = (asked.starts_with("Expect(") || asked.contains(".Expect("))
            && asked.ends_with(')')
            && asked.matches('.').count() <= 1
            && !asked.contains(").");
        if is_comparison || is_bare || questions.iter().any(|call| asked.starts_with(call)) {
            self.fact(
                node,
                FactKind::NotEvaluated {
                    missing: "nobody looks at the answer",
                },
            );
        }
    }
}
