use redgreen_core::id::*;
use redgreen_host::path_rules::PathRules;
use redgreen_host::runner::cargo_test::CargoTest;
use redgreen_host::runner::*;
use std::time::*;
#[test]
fn dog() {
    let tree = std::path::PathBuf::from("/tmp/exp/dog/tree");
    let ws = Workspace {
        checkout: "/work/main".into(),
        cache: "/tmp/exp/dog/cache".into(),
        scratch: "/tmp/exp/dog/scratch".into(),
    };
    let r = CargoTest::new(RunnerSettings {
        name: None,
        kind: RunnerKind::CargoTest,
        root: String::new(),
        command: None,
        arguments: vec![],
        timeout: Duration::from_secs(900),
    });
    let t = Instant::now();
    let env = r.environment(&ws).unwrap();
    eprintln!("env {:?}", t.elapsed());
    let rules = PathRules::new(&["**/tests/**".into()], &["**/src/**".into()], &[]).unwrap();
    let sel = match std::env::var("DOG").unwrap().as_str() {
        "all" => Selection::All,
        f => Selection::Files(f.split(',').map(|f| RelPath::new(f).unwrap()).collect()),
    };
    for _ in 0..std::env::var("N").map_or(1, |n| n.parse().unwrap()) {
        let t = Instant::now();
        let rep = r
            .run(&Request {
                tree: &tree,
                selection: &sel,
                items: &[],
                rules: &rules,
                workspace: &ws,
                environment: &env,
            })
            .unwrap();
        eprintln!(
            "run {:?} cases {} {:?}",
            t.elapsed(),
            rep.cases.len(),
            rep.ended
        );
        for c in &rep.cases {
            if c.outcome != redgreen_core::outcome::Outcome::Passed {
                eprintln!(
                    "{} {:?} {:?} {}",
                    c.id,
                    c.outcome,
                    c.cause,
                    &c.message.chars().take(600).collect::<String>()
                );
            }
        }
        eprintln!("{:#?}", rep.problems);
        eprintln!("{:#?}", rep.load_failures);
        eprintln!("{:?}", rep.pass_line);
        eprintln!(
            "{:?}",
            rep.cases
                .iter()
                .map(|c| c.id.to_string())
                .take(12)
                .collect::<Vec<_>>()
        );
    }
}
