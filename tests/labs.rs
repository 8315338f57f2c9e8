//! Real servers from Debian's packages, weak and hardened, each in a network namespace of its own: a lab is a file in
//! `tests/labs/`, and an audit of it finds exactly what that file expects.

#![expect(clippy::disallowed_methods, reason = "how long it takes is what is measured")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so aloud")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;

/// A lab, as its file tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lab {
    /// What it shows, as a sentence.
    about: String,
    /// Programs it needs.
    needs: Vec<String>,
    /// Addresses of the namespace's loopback: documentation ranges only.
    addresses: Vec<String>,
    /// Files to write beside each other; `{dir}` stands for their folder.
    #[serde(default)]
    files: std::collections::BTreeMap<String, String>,
    /// A shell script that makes keys and the like.
    #[serde(default)]
    prepare: String,
    /// An nftables ruleset; that it loads is asserted.
    #[serde(default)]
    firewall: String,
    /// Servers, each a shell command that stays in the foreground.
    #[serde(default)]
    start: Vec<String>,
    /// Ports that must listen before the audit begins, as `ss` shows them: `192.0.2.10:443`.
    #[serde(default)]
    ready: Vec<String>,
    /// The inventory to audit by.
    inventory: String,
    /// The authorisation to audit under.
    authorisation: String,
    /// The profile.
    profile: String,
    /// A shell script over what the servers wrote down, which must hold after the audit.
    #[serde(default)]
    afterwards: String,
    /// Exactly these findings, as `check host port/transport`.
    expect: BTreeSet<String>,
}

fn main() {
    let mut arguments = Arguments::from_args();
    // They wait more than they work.
    arguments.test_threads.get_or_insert(8);
    let mut labs: Vec<PathBuf> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs"))
            .expect("the labs are readable")
            .map(|entry| entry.expect("the entry is readable").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
            .collect();
    labs.sort();
    let trials = labs.into_iter().map(|path| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        Trial::test(name.clone(), move || audit(&name, &path))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn audit(name: &str, path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let lab: Lab = serde_saphyr::from_str(&text)?;
    if let Some(missing) = missing(&lab) {
        // In CI nothing is skipped: there the test command has installed everything.
        if std::env::var_os("CI").is_some() {
            return Err(format!("{name} needs {missing}").into());
        }
        eprintln!("SKIPPED lab {name}: needs {missing} (tests/run installs it)");
        return Ok(());
    }
    let running = Running::start(name, &lab)?;
    let found = running.findings()?;
    running.inside(&running.filled(&lab.afterwards))?;
    if found == lab.expect {
        return Ok(());
    }
    let mut story = format!("{}\n", lab.about);
    for extra in found.difference(&lab.expect) {
        let _ = writeln!(story, "  found, not expected: {extra}");
    }
    for lost in lab.expect.difference(&found) {
        let _ = writeln!(story, "  expected, not found: {lost}");
    }
    Err(story.into())
}

/// What is missing to run a lab.
fn missing(lab: &Lab) -> Option<String> {
    let root =
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    if !root {
        return Some("root, for network namespaces".into());
    }
    let paths = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let there = |program: &&String| {
        paths.iter().any(|folder| Path::new(folder).join(program.as_str()).exists())
    };
    lab.needs.iter().find(|program| !there(program)).cloned()
}

/// A lab while it runs: a namespace, a folder, servers. All of it goes when this is dropped.
struct Running {
    namespace: String,
    folder: tempfile::TempDir,
    servers: Vec<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let group = format!("-{}", server.id());
            let _ =
                Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status();
            let end = Instant::now() + Duration::from_secs(5);
            while matches!(server.try_wait(), Ok(None)) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ =
                Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
            let _ = server.wait();
        }
        // Some servers leave the group they were started in.
        let left = Command::new("ip").args(["netns", "pids", &self.namespace]).output();
        let left = left.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        for pid in left.unwrap_or_default().split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", pid]).stderr(Stdio::null()).status();
        }
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).status();
    }
}

impl Running {
    fn start(name: &str, lab: &Lab) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        // Servers that give up root must still reach their files.
        run("chmod", &["755", &folder.path().display().to_string()])?;
        let namespace = format!("postern-{name}-{}", std::process::id());
        run("ip", &["netns", "add", &namespace])?;
        let mut running = Self { namespace, folder, servers: Vec::new() };
        running.inside("ip link set lo up")?;
        for address in &lab.addresses {
            let nodad = if address.contains(':') { "nodad" } else { "" };
            running.inside(&format!("ip addr add {address} dev lo {nodad}"))?;
        }
        for (file, text) in &lab.files {
            fs::write(running.folder.path().join(file), running.filled(text))?;
        }
        fs::write(running.folder.path().join("profile.yaml"), at_the_pace_of_a_lab(&lab.profile))?;
        fs::write(running.folder.path().join("inventory.yaml"), &lab.inventory)?;
        fs::write(running.folder.path().join("authorisation.yaml"), &lab.authorisation)?;
        running.inside(&running.filled(&lab.prepare))?;
        if !lab.firewall.is_empty() {
            fs::write(running.folder.path().join("firewall.nft"), &lab.firewall)?;
            running.inside(&running.filled("nft -f {dir}/firewall.nft"))?;
        }
        for command in &lab.start {
            let server = running.shell(&running.filled(command)).spawn()?;
            running.servers.push(server);
        }
        running.wait_for(&lab.ready)?;
        Ok(running)
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{dir}", &self.folder.path().display().to_string())
    }

    /// A shell in the namespace and the lab's folder, in a process group of its own.
    fn shell(&self, script: &str) -> Command {
        use std::os::unix::process::CommandExt;
        let mut shell = Command::new("ip");
        shell
            .args(["netns", "exec", &self.namespace, "sh", "-euc", script])
            .current_dir(self.folder.path());
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        shell
    }

    fn inside(&self, script: &str) -> Result<(), Failed> {
        let output = self.shell(script).stderr(Stdio::piped()).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{script}\n{}", String::from_utf8_lossy(&output.stderr)).into())
    }

    fn wait_for(&mut self, doors: &[String]) -> Result<(), Failed> {
        // What runs on Java or Erlang takes its time on a busy machine.
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            let output = self.shell("ss -Hltun").stdout(Stdio::piped()).output()?;
            let listening = String::from_utf8_lossy(&output.stdout).into_owned();
            let open =
                |door: &&String| listening.split_whitespace().any(|word| word == door.as_str());
            let Some(shut) = doors.iter().find(|door| !open(door)) else { return Ok(()) };
            if Instant::now() > end {
                return Err(format!("nothing listens on {shut}; what does:\n{listening}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Audits the lab with the real program and reads the findings from the review.
    fn findings(&self) -> Result<BTreeSet<String>, Failed> {
        let program = env!("CARGO_BIN_EXE_postern");
        let script = format!(
            "{program} scan --inventory inventory.yaml --authorisation authorisation.yaml --profile profile.yaml --pace 200/s --out review",
        );
        let output = self.shell(&script).stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let review = fs::read_to_string(self.folder.path().join("review/review.json"))
            .map_err(|_| format!("no review was written:\n{said}"))?;
        let review: postern::review::Review = serde_json::from_str(&review)?;
        if !review.scan.complete {
            return Err(format!("the scan is incomplete:\n{said}").into());
        }
        let line = |finding: &postern::review::Finding| {
            let subject = &finding.places.first()?.subject;
            let service = subject
                .service
                .map(|(transport, port)| format!(" {port}/{transport}"))
                .unwrap_or_default();
            Some(format!("{} {}{service}", finding.check, subject.host))
        };
        Ok(review.findings.iter().filter_map(line).collect())
    }
}

/// The same profile, at the pace of a machine that has nobody else to serve.
fn at_the_pace_of_a_lab(profile: &str) -> String {
    format!(
        "schema: postern/profile/v1\ntitle: {{en: Lab}}\nextends: [{profile}]\n\
         limits: {{per-second: 200, per-host-per-second: 200, per-host-parallel: 20}}\n"
    )
}

fn run(program: &str, arguments: &[&str]) -> Result<(), Failed> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
