//! Two network namespaces, joined by a cable: the scanner's and the vendor's.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::pcap::{self, Packet, What};
use super::scan::BOOK;

/// A port on which nobody listens.
const KNOCK: u16 = 9;

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
                    "192.0.2.40/24",
                    "192.0.2.41/24",
                    "192.0.2.43/24",
                    "192.0.2.44/24",
                    "192.0.2.53/24",
                    "192.0.2.254/24",
                    "198.51.100.7/24",
                    "2001:db8::10/64",
                    "2001:db8::43/64",
                    "2001:db8::44/64",
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
            ip daddr { 192.0.2.53, 192.0.2.40 } tcp dport 53 tcp flags syn quota until 190 bytes drop
            ip daddr { 192.0.2.43, 192.0.2.44 } meta l4proto tcp drop
            ip6 daddr { 2001:db8::43, 2001:db8::44 } meta l4proto tcp drop
            ip daddr 192.0.2.44 icmp type echo-request drop
            ip6 daddr 2001:db8::44 icmpv6 type echo-request drop
            ip daddr 192.0.2.20 tcp dport != 8080 drop
            tcp dport 9999 reject with icmpx admin-prohibited
            tcp dport 9998 reject with icmpx port-unreachable
        }
        }";
        let file = lab.folder().join("rules.nft");
        std::fs::write(&file, rules).expect("a file");
        let file = file.display().to_string();
        must(Command::new("ip").args(["netns", "exec", &vendor, "nft", "-f", &file]));
        must(Command::new("ip").args(["netns", "exec", &vendor, "sysctl", "-qw"]).args([
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

    /// This very test binary, in a namespace.
    fn inside(&self, side: &str, test: &str) -> Command {
        let mut command = Command::new("ip");
        let binary = std::env::current_exe().expect("this binary");
        command.args(["netns", "exec", &self.name(side)]).arg(binary);
        command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("POSTERN_LAB", self.folder()).stdout(Stdio::null());
        command
    }

    /// Starts the vendor and waits until it is ready.
    pub(crate) fn start_vendor(&self) -> Running {
        let running = Running(self.inside("vendor", "vendor_inside").spawn().expect("it starts"));
        wait_for(&self.folder().join("ready"));
        running
    }

    /// `postern`, in the scanner's namespace, with few descriptors and with the resolvers of the lab's folder for the
    /// machine's own: `ip netns exec` gives it a view of its own of what is mounted.
    fn postern(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name("scanner"), "sh", "-euc"]);
        command.arg("mount --bind resolv.conf /etc/resolv.conf; ulimit -n 256; exec \"$@\"");
        command.args(["sh", env!("CARGO_BIN_EXE_postern")]).args(arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("POSTERN_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts `postern scan` over the files of the lab's folder.
    pub(crate) fn scan(&self) -> Child {
        let arguments = [
            "scan",
            "--inventory=inventory.yaml",
            "--authorisation=authorisation.yaml",
            "--profiles=profiles",
            "--profile=lab",
            "--out=review",
            "--quiet",
        ];
        self.postern(&arguments).spawn().expect("it starts")
    }

    /// Starts `postern scan --resume` over the book of the lab's folder.
    pub(crate) fn resume(&self) -> Child {
        self.postern(&["scan", "--quiet", "--resume", BOOK]).spawn().expect("it starts")
    }

    /// Captures everything on the scanner's end of the cable and on its loopback.
    pub(crate) fn capture(&self) -> Capture<'_> {
        let cable = format!("pa{}", self.tag);
        let tapped = [(cable.as_str(), "wire.pcap"), ("lo", "lo.pcap")].map(|(name, file)| {
            let file = self.folder().join(file);
            let mut command = Command::new("ip");
            command.args(["netns", "exec", &self.name("scanner"), "tcpdump", "-i", name]);
            command.args(["-U", "-n", "--immediate-mode", "-s", "128", "-Z", "root", "-w"]);
            command.arg(&file);
            let running = Running(command.stderr(Stdio::null()).spawn().expect("tcpdump starts"));
            wait_for(&file);
            running
        });
        std::thread::sleep(Duration::from_millis(300));
        Capture { lab: self, tapped }
    }
}

/// A capture that goes on.
pub(crate) struct Capture<'a> {
    lab: &'a Lab,
    tapped: [Running; 2],
}

impl Capture<'_> {
    /// Ends it, and answers what we sent over the cable. What went over loopback is the one datagram that we send there
    /// now, to see that it would have been seen.
    pub(crate) fn end(self) -> Vec<Packet> {
        let known = done(&mut self.lab.inside("scanner", "knock_inside"));
        assert!(known.success(), "{known}");
        // What is still on its way is seen too.
        std::thread::sleep(Duration::from_millis(700));
        drop(self.tapped);
        let folder = self.lab.folder();
        let inside = ["127.0.0.1", "::1", OURS[0], OURS[1]];
        let lo = pcap::read(&folder.join("lo.pcap"), &inside);
        let knocks = lo.iter().filter(|one| (one.what, one.port) == (What::Udp, KNOCK));
        assert_eq!(knocks.count(), 1, "the capture on loopback sees: {lo:?}");
        // The kernel tells itself by ICMP that a neighbour does not answer.
        let ours = OURS.map(|ours| ours.parse().expect("an address"));
        let to_itself = |one: &Packet| one.what == What::Icmp && ours.contains(&one.to);
        let others: Vec<_> = lo.iter().filter(|one| one.port != KNOCK && !to_itself(one)).collect();
        let own_answer = |one: &&Packet| one.what == What::Icmp && one.to.is_loopback();
        assert!(others.iter().all(own_answer) && others.len() <= 1, "on loopback: {others:?}");
        pcap::read(&folder.join("wire.pcap"), &OURS)
    }
}

/// Sends that datagram; inside the scanner's namespace.
pub(crate) fn knock() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.send_to(b"knock", ("127.0.0.1", KNOCK)).expect("it goes");
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
    must(Command::new("ip").args(words.split_whitespace()));
}

fn must(command: &mut Command) {
    let status = done(command);
    assert!(status.success(), "{command:?}: {status}");
}

fn done(command: &mut Command) -> ExitStatus {
    command.status().expect("it starts")
}
