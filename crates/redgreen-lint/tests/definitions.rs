//! Definitions, imports and similar names.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use redgreen_lint::Language;
use redgreen_lint::definitions::{definitions, imports, similar_name};

fn names(language: Language, text: &str) -> Vec<String> {
    definitions(language, text)
        .unwrap()
        .into_iter()
        .map(|d| {
            let container = d.container.map(|c| format!("{c}/")).unwrap_or_default();
            format!("{:?} {container}{} {}", d.kind, d.name, d.line)
        })
        .collect()
}

#[test]
fn b3_definitions_of_python() {
    let text = "\
from .models import Cart, Item as Line
import os
LIMIT = 3
A, B = 1, 2
async def total(x): pass
@dataclass
class Order:
    rate: float = 1.0
    def __init__(self):
        self.lines = []
        other.x = 1
    def add(self): self.count += 1
    class Inner: pass
try:
    def maybe(): pass
except ImportError:
    maybe = None
";
    assert_eq!(
        names(Language::Python, text),
        [
            "ReExport Cart 1",
            "ReExport Line 1",
            "Constant LIMIT 3",
            "Constant A 4",
            "Constant B 4",
            "Function total 5",
            "Type Order 7",
            "Field Order/rate 8",
            "Method Order/__init__ 9",
            "Field Order/lines 10",
            "Method Order/add 12",
            "Type Order/Inner 13",
            "Function maybe 15",
            "Constant maybe 17",
        ]
    );
}

#[test]
fn b3_definitions_of_rust() {
    let text = "\
pub use crate::cart::{Cart, Line as Row, sub::*};
use std::io;
pub const LIMIT: u8 = 3;
static mut S: u8 = 1;
pub enum Kind { /// one
  One, #[x] Two(u8), Three { a: u8 } }
pub struct Order<T> { pub(crate) rate: f64, lines: Vec<T> }
struct Pair(u8, u8);
impl<T: Into<u8>> Order<T> { pub const fn total(&self) -> u8 { 1 } const MAX: u8 = 1; }
impl fmt::Display for Order<u8> { fn fmt(&self) {} }
pub trait Price { type Out; fn price(&self) -> u8; }
macro_rules! cart { () => {} }
mod inner { pub fn deep() {} }
type Alias = u8;
extern \"C\" { fn c_call(); }
";
    assert_eq!(
        names(Language::Rust, text),
        [
            "ReExport Cart 1",
            "ReExport Row 1",
            "ReExport * 1",
            "Constant LIMIT 3",
            "Constant S 4",
            "Type Kind 5",
            "Variant Kind/One 6",
            "Variant Kind/Two 6",
            "Variant Kind/Three 6",
            "Type Order 7",
            "Field Order/rate 7",
            "Field Order/lines 7",
            "Type Pair 8",
            "Method Order/total 9",
            "Constant Order/MAX 9",
            "Method Order/fmt 10",
            "Type Price 11",
            "Type Price/Out 11",
            "Method Price/price 11",
            "Macro cart 12",
            "Module inner 13",
            "Function inner/deep 13",
            "Type Alias 14",
            "Function c_call 15",
        ]
    );
}

#[test]
fn b3_imports_of_a_test_file() {
    let read = |language, text: &str| -> Vec<String> {
        imports(language, text)
            .unwrap()
            .into_iter()
            .map(|i| {
                format!(
                    "{} = {} / {} {}",
                    i.local,
                    i.module,
                    i.symbol.unwrap_or_default(),
                    i.line
                )
            })
            .collect()
    };
    assert_eq!(
        read(
            Language::Python,
            "import os.path, shop.cart as c\nfrom shop import (\n  Cart,\n  total as t,\n)\nfrom .. import x\nfrom .m import *\ndef test_a():\n  from shop.late import y\n"
        ),
        [
            "os = os.path /  1",
            "c = shop.cart /  1",
            "Cart = shop / Cart 2",
            "t = shop / total 2",
            "x = .. / x 6",
            "* = .m / * 7",
            "y = shop.late / y 9",
        ]
    );
    assert_eq!(
        read(
            Language::Rust,
            "use shop::cart::{self, Cart, deep::{a, b as c}};\npub(crate) use super::*;\nfn f() { use x; let used = 1; }\n"
        ),
        [
            "cart = shop / cart 1",
            "Cart = shop::cart / Cart 1",
            "a = shop::cart::deep / a 1",
            "c = shop::cart::deep / b 1",
            "* = super / * 2",
            "x =  / x 3",
        ]
    );
}

#[test]
fn b3_typo_guard_finds_slips_and_leaves_meant_names() {
    for (name, candidates, expected) in [
        ("totl", vec!["total", "tool"], Some("total")),
        ("subtarct", vec!["subtract", "add"], Some("subtract")),
        ("Cart", vec!["cart"], Some("cart")),
        ("add_item", vec!["additem", "add_items"], Some("additem")),
        ("items", vec!["item"], Some("item")),
        ("category", vec!["categories"], Some("categories")),
        ("add", vec!["sub", "mul"], None),
        ("get_item", vec!["set_item"], None),
        ("decode", vec!["encode"], None),
        ("parse_v2", vec!["parse_v1"], None),
        ("ab", vec!["ac"], None),
        ("subtract", vec!["subtract"], None),
        ("pricing", vec!["shop", "models"], None),
        ("len", vec!["lne"], Some("lne")),
        ("", vec!["a"], None),
    ] {
        assert_eq!(
            similar_name(name, candidates.iter().copied()),
            expected,
            "{name}"
        );
    }
}
