//! Packs as their users meet them: locked by `postern pack lock`, signed by the real minisign, tampered with in every
//! way that hides, and refused.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so aloud")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CHECK: &str = include_str!("../checks/web/no-referrer-policy.yaml");

/// A folder with a pack of one check and one profile, and two pairs of keys beside it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        desk.write(
            "pack/pack.yaml",
            "schema: postern/pack/v1\nname: clinic\nversion: 1.0.0\ntitle: {en: A clinic's own}\n",
        );
        desk.write("pack/checks/web/own-policy.yaml", CHECK);
        desk.write(
            "pack/profiles/clinic.yaml",
            "schema: postern/profile/v1\ntitle: {en: Clinic}\nextends: [baseline]\n",
        );
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    fn postern(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_postern"))
            .args(words)
            .current_dir(self.folder.path())
            .output()
            .expect("postern runs")
    }

    /// What `postern` says, and that it ends with that code.
    fn says(&self, code: i32, words: &[&str]) -> String {
        let output = self.postern(words);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        said
    }

    fn minisign(&self, words: &[&str]) {
        let done = Command::new("minisign").args(words).current_dir(self.folder.path()).output();
        let done = done.expect("minisign runs");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn sign(&self, key: &str) {
        let secret = format!("{key}.key");
        self.minisign(&["-S", "-s", &secret, "-m", "pack/pack.lock", "-t", "clinic 1.0.0"]);
    }
}

fn has_minisign() -> bool {
    let there = Path::new("/usr/bin/minisign").exists();
    assert!(there || std::env::var_os("CI").is_none(), "tests/run installs minisign");
    if !there {
        eprintln!("SKIPPED: needs minisign (tests/run installs it)");
    }
    there
}

/// A desk whose pack is signed by `keeper`, with the key of a `stranger` beside it.
fn signed() -> Desk {
    let desk = Desk::new();
    for key in ["keeper", "stranger"] {
        let (public, secret) = (format!("{key}.pub"), format!("{key}.key"));
        desk.minisign(&["-G", "-W", "-p", &public, "-s", &secret]);
    }
    desk.says(0, &["pack", "lock", "pack"]);
    desk.sign("keeper");
    desk
}

const STRICT: &[&str] =
    &["profile", "list", "--pack", "pack", "--trust-key", "keeper.pub", "--require-signed"];

#[test]
fn a_pack_is_locked_and_used() {
    let desk = Desk::new();
    assert!(desk.says(0, &["pack", "verify", "pack"]).contains("it has no lock"));
    assert!(desk.says(0, &["pack", "lock", "pack"]).contains("3 files locked"));
    let mut checked = Command::new("sha256sum");
    checked.args(["-c", "--quiet", "pack.lock"]).current_dir(desk.path("pack"));
    assert!(checked.status().expect("sha256sum runs").success());
    assert!(desk.says(0, &["pack", "verify", "pack"]).contains("nobody has signed it"));
    assert!(desk.says(0, &["check", "list", "--pack", "pack"]).contains("web/own-policy"));
    assert!(desk.says(0, &["profile", "list", "--pack", "pack"]).contains("clinic"));
    let refused = desk.says(2, &["check", "list", "--pack", "pack", "--require-signed"]);
    assert!(refused.contains("is not signed by a trusted key"), "{refused}");
}

#[test]
fn only_what_the_keeper_signed_is_used_where_that_is_asked() {
    if !has_minisign() {
        return;
    }
    let desk = signed();
    assert!(desk.says(0, STRICT).contains("clinic"));
    let verified = desk.says(0, &["pack", "verify", "pack", "--trust-key", "keeper.pub"]);
    assert!(verified.contains("signed by keeper: clinic 1.0.0"), "{verified}");
    let key = fs::read_to_string(desk.path("keeper.pub")).expect("the key");
    let line = key.lines().nth(1).expect("its second line");
    desk.says(0, &["pack", "verify", "pack", "--trust-key", line, "--require-signed"]);
    let stranger = desk
        .says(2, &["pack", "verify", "pack", "--trust-key", "stranger.pub", "--require-signed"]);
    assert!(stranger.contains("signed by somebody else"), "{stranger}");
    fs::create_dir(desk.path("mine")).expect("a folder");
    for more in [["--checks", "mine"], ["--profiles", "mine"]] {
        let refused = desk.says(2, &[STRICT, &more].concat());
        assert!(refused.contains("`mine` is not signed"), "{refused}");
    }
}

/// What is done to a signed pack, how, and what is said of it.
type Change = (&'static str, fn(&Desk), &'static str);

#[test]
fn whatever_is_changed_is_noticed_at_every_start() {
    if !has_minisign() {
        return;
    }
    let changes: &[Change] = &[
        (
            "a byte of a check",
            |desk| desk.write("pack/checks/web/own-policy.yaml", &format!("{CHECK}#")),
            "was changed after it was locked",
        ),
        (
            "a file more",
            |desk| desk.write("pack/checks/web/more.yaml", CHECK),
            "is not in the lock",
        ),
        (
            "a file less",
            |desk| fs::remove_file(desk.path("pack/profiles/clinic.yaml")).expect("gone"),
            "is missing",
        ),
        (
            "the lock made anew, with the old signature",
            |desk| {
                desk.write("pack/checks/web/more.yaml", CHECK);
                let signature = fs::read(desk.path("pack/pack.lock.minisig")).expect("a signature");
                desk.says(0, &["pack", "lock", "pack"]);
                fs::write(desk.path("pack/pack.lock.minisig"), signature).expect("written");
            },
            "the signature does not fit the lock",
        ),
        (
            "somebody else's signature",
            |desk| desk.sign("stranger"),
            "is not signed by a trusted key",
        ),
        (
            "no signature",
            |desk| fs::remove_file(desk.path("pack/pack.lock.minisig")).expect("gone"),
            "is not signed by a trusted key",
        ),
        (
            "a second signature behind the first",
            |desk| {
                let path = desk.path("pack/pack.lock.minisig");
                let twice = fs::read_to_string(&path).expect("a signature").repeat(2);
                fs::write(path, twice).expect("written");
            },
            "a signature has four lines",
        ),
        (
            "line ends that some readers take for none",
            |desk| {
                let path = desk.path("pack/pack.lock");
                let lock = fs::read_to_string(&path).expect("a lock").replace('\n', "\r");
                fs::write(path, lock).expect("written");
            },
            "does not end",
        ),
        (
            "a link out of the pack",
            |desk| {
                std::os::unix::fs::symlink("/etc/hostname", desk.path("pack/checks/web/out.yaml"))
                    .expect("a link");
            },
            "is a link or no plain file",
        ),
    ];
    for (what, change, says) in changes {
        let desk = signed();
        change(&desk);
        let refused = desk.says(2, STRICT);
        assert!(refused.contains(says), "{what}: {refused}");
    }
}
