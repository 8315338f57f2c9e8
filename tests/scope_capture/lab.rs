//! Two network namespaces, joined by a cable: the scanner's and the vendor's.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static BUILT: AtomicU32 = AtomicU32::new(0);

/// The scanner's addresses.
pub(crate) const OURS: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// The lab; it is taken down when dropped.
pub(crate) struct Lab {
    folder: tempfile::TempDir,
    tag: String,
}

impl Lab {
    /// Builds it; none, said aloud, where that is not possible. On CI that is a failure.
    pub(crate) fn build() -> Option<Self> {
        if let Err(why) = possible() {
            assert!(std::env::var_os("CI").is_none(), "cannot run on CI: {why}");
            eprintln!("SKIPPED scope_capture: {why}");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let number = BUILT.fetch_add(1, Ordering::Relaxed);
        let lab = Self { folder, tag: format!("{}{number}", std::process::id()) };
        let (scanner, vendor) = (lab.name("scanner"), lab.name("vendor"));
        let (ours, theirs) = (format!("pa{}", lab.tag), format!("pb{}", lab.tag));
        ip(&format!("netns add {scanner}"));
        ip(&format!("netns add {vendor}"));
        ip(&format!("link add {ours} netns {scanner} type veth peer name {theirs} netns {vendor}"));
        for (space, cable, addresses) in [
            (&scanner, &ours, vec!["192.0.2.1/24", "2001:db8::1/64"]),
            (
                &vendor,
                &theirs,
                vec![
                    "192.0.2.10/24",
                    "192.0.2.20/24",
                    "192.0.2.30/24",
                    "192.0.2.53/24",
                    "192.0.2.254/24",
                    "198.51.100.7/24",
                    "2001:db8::10/64",
                    "2001:db8:bad::1/64",
                    "2001:db8::fe/64",
                ],
            ),
        ] {
            for address in addresses {
                let nodad = if address.contains(':') { " nodad" } else { "" };
                ip(&format!("-n {space} addr add {address} dev {cable}{nodad}"));
            }
            ip(&format!("-n {space} link set {cable} up"));
            ip(&format!("-n {space} link set lo up"));
        }
        // Everything has a way out: only the permit keeps packets in.
        ip(&format!("-n {scanner} route add default via 192.0.2.254"));
        ip(&format!("-n {scanner} -6 route add default via 2001:db8::fe"));
        let rules = "table inet lab { chain in { type filter hook input priority 0;
            ip daddr 192.0.2.20 tcp dport 8080 tcp flags syn limit rate over 1/hour burst 1 packets drop
            ip daddr 192.0.2.20 tcp dport != 8080 drop
            tcp dport 9999 reject with icmpx admin-prohibited
            tcp dport 9998 reject with icmpx port-unreachable
        }
        }";
        let file = lab.folder().join("rules.nft");
        std::fs::write(&file, rules).expect("a file");
        let file = file.display().to_string();
        done(Command::new("ip").args(["netns", "exec", &vendor, "nft", "-f", &file]));
        done(Command::new("ip").args(["netns", "exec", &vendor, "sysctl", "-qw"]).args([
            "net.ipv4.icmp_ratelimit=0",
            "net.ipv6.icmp.ratelimit=0",
            "net.ipv4.icmp_msgs_per_sec=10000",
        ]));
        Some(lab)
    }

    /// Where both sides write.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn name(&self, side: &str) -> String {
        format!("postern-{side}-{}", self.tag)
    }

    /// This very test binary, in a namespace, with few descriptors.
    fn inside(&self, side: &str, test: &str) -> Command {
        let mut command = Command::new("ip");
        let binary = std::env::current_exe().expect("this binary");
        command.args(["netns", "exec", &self.name(side)]);
        command.args(["sh", "-c", "ulimit -n 256; exec \"$@\"", "sh"]).arg(binary);
        command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("POSTERN_LAB", self.folder());
        command
    }

    /// Starts a side and waits until it is ready.
    pub(crate) fn start(&self, side: &str, test: &str) -> Running {
        let running =
            Running(self.inside(side, test).stdout(Stdio::null()).spawn().expect("it starts"));
        wait_for(&self.folder().join("ready"));
        running
    }

    /// Runs a side to its end, and answers the seconds it took.
    pub(crate) fn run_to_its_end(&self, side: &str, test: &str, window: &str) -> f64 {
        let begun = Instant::now();
        done(self.inside(side, test).env("POSTERN_WINDOW", window));
        begun.elapsed().as_secs_f64()
    }

    /// Captures everything on the scanner's end of the cable.
    pub(crate) fn capture(&self) -> Running {
        let file = self.folder().join("wire.pcap");
        let cable = format!("pa{}", self.tag);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name("scanner"), "tcpdump", "-i", &cable]);
        command.args(["-U", "-n", "--immediate-mode", "-s", "128", "-Z", "root", "-w"]).arg(&file);
        let running = Running(command.stderr(Stdio::null()).spawn().expect("tcpdump starts"));
        wait_for(&file);
        std::thread::sleep(Duration::from_millis(300));
        running
    }
}

fn wait_for(file: &Path) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} never came", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for side in ["scanner", "vendor"] {
            let _ = Command::new("ip").args(["netns", "del", &self.name(side)]).status();
        }
    }
}

/// A process that is ended with its value.
pub(crate) struct Running(Child);

impl Running {
    /// Ends it after it has seen what is still on its way.
    pub(crate) fn end(self) {
        std::thread::sleep(Duration::from_millis(700));
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.0.wait();
    }
}

fn possible() -> Result<(), String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !status.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        return Err("it needs root".into());
    }
    for tool in ["ip", "nft", "tcpdump"] {
        let found = std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(tool).exists())
        });
        if !found {
            return Err(format!("it needs `{tool}`"));
        }
    }
    let number = BUILT.fetch_add(1, Ordering::Relaxed);
    let probe = format!("postern-probe-{}-{number}", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &probe]).stderr(Stdio::null()).status();
    if !made.is_ok_and(|made| made.success()) {
        return Err("no network namespace can be made here".into());
    }
    ip(&format!("netns del {probe}"));
    Ok(())
}

fn ip(words: &str) {
    done(Command::new("ip").args(words.split_whitespace()));
}

fn done(command: &mut Command) {
    let status = command.status().expect("it starts");
    assert!(status.success(), "{command:?}: {status}");
}
