//! Real programs that behave and that do not, started as the engine starts them.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::engine::world::{Stop, instant};
use crate::talk::RanOut;

/// A plug-in whose program is that script of sh.
struct Bench {
    _folder: tempfile::TempDir,
    plugin: Arc<Plugin>,
    programs: Programs,
}

impl Bench {
    fn of(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        let text = format!("#!/bin/sh\n{script}\n");
        fs::write(&path, &text).expect("written");
        let plugin = serde_json::json!({
            "name": "mine", "program": path, "sha256": Digest::of(text.as_bytes()), "arguments": ["one", "a b"],
            "means": "M.", "sends": "S.", "over": "service", "ports": "any", "class": "read-only",
            "bound": {"connections": 1, "seconds": 2}, "output": 1000,
            "facts": [{"name": "open", "type": "bool", "means": "O."}],
        });
        let plugin = Arc::new(serde_json::from_value::<Plugin>(plugin).expect("a plug-in"));
        let program = Program::read(Arc::clone(&plugin)).expect("the very program");
        let programs = Programs::keep(&[program]).expect("a folder");
        Self { _folder: folder, plugin, programs }
    }

    async fn run(&self) -> Ran {
        self.run_until(&Stop::default()).await.expect("it runs")
    }

    async fn run_until(&self, stop: &Stop) -> Result<Ran, Unopened> {
        let copy = self.programs.verified(&self.plugin)?;
        run::run(copy, &self.plugin, "{\"q\":1}\n", stop).await
    }
}

fn said(ran: &Ran) -> &str {
    std::str::from_utf8(&ran.said).expect("text")
}

/// Whether a process is gone, or dies just now.
fn is_gone(pid: &str) -> bool {
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        gone()
    })
}

#[tokio::test]
async fn it_hears_one_line_and_is_heard() {
    let bench = Bench::of("read line; echo \"$line $1 $2\"; echo alas >&2; read more || echo end");
    let ran = bench.run().await;
    assert_eq!(said(&ran), "{\"q\":1} one a b\nend\n");
    assert_eq!((ran.complained.as_slice(), ran.end), (b"alas\n".as_slice(), RanOut::Code(0)));
}

#[tokio::test]
async fn it_knows_nothing_of_our_environment() {
    assert!(std::env::var_os("PATH").is_some());
    let ran = Bench::of("tr '\\0' '\\n' </proc/$$/environ; pwd").run().await;
    assert_eq!(said(&ran), "/\n");
}

#[tokio::test]
async fn bad_ends_are_told_apart() {
    assert_eq!(Bench::of("exit 3").run().await.end, RanOut::Code(3));
    assert_eq!(Bench::of("kill -9 $$").run().await.end, RanOut::Signal(9));
    // Its standard input is closed at once.
    assert_eq!(Bench::of("exec <&-; echo 1").run().await.end, RanOut::Code(0));
}

#[tokio::test]
async fn who_says_too_much_is_ended() {
    for flood in ["while :; do echo xxxxxxxxxxxxxxxx; done", "while :; do echo xxxxxxxx >&2; done"]
    {
        let ran = Bench::of(flood).run().await;
        assert_eq!(ran.end, RanOut::TooMuch);
        assert!(ran.said.len() <= 1001 && ran.complained.len() <= COMPLAINTS_AND_ONE);
    }
    let ran = Bench::of("head -c 1001 /dev/zero").run().await;
    assert_eq!(ran.end, RanOut::TooMuch, "also when it has ended by itself");
    let ran = Bench::of("head -c 1000 /dev/zero").run().await;
    assert_eq!((ran.said.len(), ran.end), (1000, RanOut::Code(0)));
}

const COMPLAINTS_AND_ONE: usize = 4097;

#[tokio::test]
async fn who_never_ends_is_ended_with_his_children() {
    let begun = instant();
    let bench = Bench::of("trap '' TERM HUP INT; sleep 300 & echo $!; sleep 300");
    let ran = bench.run().await;
    assert_eq!(ran.end, RanOut::TooSlow);
    assert!(begun.elapsed().as_millis() < 4000, "{:?}", begun.elapsed());
    assert!(is_gone(said(&ran)), "a child is left");
}

#[tokio::test]
async fn children_do_not_outlive_a_program_that_ends() {
    let bench = Bench::of("(trap '' HUP TERM; exec sleep 300) & echo $!");
    let begun = instant();
    let ran = bench.run().await;
    assert_eq!(ran.end, RanOut::Code(0));
    assert!(is_gone(said(&ran)), "a child is left");
    assert!(begun.elapsed().as_millis() < 1900, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_leaves_the_group_holds_up_nobody() {
    let begun = instant();
    let ran = Bench::of("setsid sleep 4 & echo here").run().await;
    assert_eq!((said(&ran), ran.end), ("here\n", RanOut::Code(0)));
    assert!(begun.elapsed().as_millis() < 1900, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_sign_to_stop_ends_it() {
    let stop = Stop::default();
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("pid");
    let bench = Bench::of(&format!("echo $$ >{}; sleep 300", pid.display()));
    let soon = async {
        while fs::read_to_string(&pid).unwrap_or_default().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        stop.now("interrupted");
    };
    let (ran, ()) = tokio::join!(bench.run_until(&stop), soon);
    assert_eq!(ran, Err(Unopened::Stopped));
    assert!(is_gone(&fs::read_to_string(&pid).expect("a number")));
}

#[tokio::test]
async fn only_what_is_allowed_is_started() {
    let bench = Bench::of("echo ran");
    let refused = |ran: Result<Ran, Unopened>| match ran {
        Err(Unopened::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    let stranger = Plugin { name: "other".into(), ..Plugin::clone(&bench.plugin) };
    let ran = bench.programs.verified(&stranger).map(|_| ());
    assert_eq!(ran, Err(Unopened::Refused("no plug-in other is allowed in this scan".into())));
    let changed =
        "the program of the plug-in mine is no longer the one that the configuration allows";
    let before = fs::read(&bench.plugin.program).expect("read");
    fs::write(&bench.plugin.program, "#!/bin/sh\necho evil\n").expect("written");
    assert_eq!(refused(bench.run_until(&Stop::default()).await), changed);
    fs::write(&bench.plugin.program, &before).expect("written");
    assert_eq!(said(&bench.run().await), "ran\n");
    // The copy itself.
    let copy = bench.programs.copies["mine"].clone();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).expect("ours");
    fs::write(&copy, "#!/bin/sh\necho evil\n").expect("written");
    assert_eq!(refused(bench.run_until(&Stop::default()).await), changed);
}

#[test]
fn copies_are_for_nobody_else_and_go_with_the_scan() {
    let bench = Bench::of("echo ran");
    let copy = bench.programs.copies["mine"].clone();
    let folder = copy.parent().expect("a folder").to_owned();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&copy)), (0o700, 0o500));
    let plugin = Arc::clone(&bench.plugin);
    drop(bench.programs);
    assert!(!folder.exists());
    fs::write(&plugin.program, "#!/bin/sh\n").expect("written");
    assert!(Program::read(plugin).is_err_and(|why| why.starts_with("its SHA-256 is ")));
}
