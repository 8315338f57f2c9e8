//! Two network namespaces with a wire between them: a scanner and a target, whose firewall treats ports as it is told.

use std::fs::File;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};

/// The scanner's addresses, those of the target, and some that nobody has.
pub(crate) const SCANNER: [&str; 2] = ["192.0.2.1", "2001:db8::1"];
pub(crate) const TARGET: [&str; 2] = ["192.0.2.2", "2001:db8::2"];
pub(crate) const NOBODY: [&str; 2] = ["192.0.2.77", "2001:db8::77"];

static BUILT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Lab {
    name: String,
    listeners: Vec<TcpListener>,
}

#[derive(Clone, Copy)]
pub(crate) enum Side {
    Scanner,
    Target,
}

impl Lab {
    /// None, said aloud, where namespaces cannot be made; in CI that is a failure.
    pub(crate) fn build(test: &str) -> Option<Self> {
        let name =
            format!("pn-raw-{}-{}", std::process::id(), BUILT.fetch_add(1, Ordering::Relaxed));
        let lab = Self { name, listeners: Vec::new() };
        let nft = Command::new("nft").arg("--version").stdout(Stdio::null()).status();
        let made = nft.is_ok()
            && ["scanner", "target"].iter().all(|side| {
                let mut command = Command::new("ip");
                command
                    .args(["netns", "add", &format!("{}-{side}", lab.name)])
                    .stderr(Stdio::null());
                command.status().is_ok_and(|status| status.success())
            });
        if !made {
            assert!(std::env::var_os("CI").is_none(), "network namespaces can be made in CI");
            eprintln!("SKIPPED: {test}: network namespaces need root, iproute2 and nftables");
            return None;
        }
        let (scanner, target) = (lab.namespace(Side::Scanner), lab.namespace(Side::Target));
        ip(&format!("link add wire netns {scanner} type veth peer name wire netns {target}"));
        for (side, addresses) in [(&scanner, SCANNER), (&target, TARGET)] {
            let [v4, v6] = addresses;
            ip(&format!("-n {side} link set lo up"));
            ip(&format!("-n {side} addr add {v4}/24 dev wire"));
            ip(&format!("-n {side} addr add {v6}/64 dev wire nodad"));
            ip(&format!("-n {side} link set wire up"));
        }
        Some(lab)
    }

    /// Loads rules into a side's firewall, which begins empty.
    pub(crate) fn firewall(&self, side: Side, rules: &str) {
        let mut nft = Command::new("ip");
        nft.args(["netns", "exec", &self.namespace(side), "nft", "-f", "-"]);
        let mut running = nft.stdin(Stdio::piped()).spawn().expect("it starts");
        let mut rulebook = running.stdin.take().expect("piped");
        write!(rulebook, "flush ruleset\n{rules}\n").expect("it reads");
        drop(rulebook);
        assert!(running.wait().expect("it ends").success(), "the rules load");
    }

    /// Listens at a port of the target, and accepts nothing by itself.
    pub(crate) fn listen(&mut self, address: &str, port: u16) {
        let at = SocketAddr::new(address.parse().expect("an address"), port);
        let listener = self.within(Side::Target, || TcpListener::bind(at).expect("a port"));
        self.listeners.push(listener);
    }

    /// Does something in a namespace: what is opened there stays there.
    pub(crate) fn within<T: Send>(&self, side: Side, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.namespace(side))).expect("made");
        std::thread::scope(|scope| {
            let working = scope.spawn(move || {
                setns(namespace, CloneFlags::CLONE_NEWNET).expect("we made it");
                work()
            });
            working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn namespace(&self, side: Side) -> String {
        let side = match side {
            Side::Scanner => "scanner",
            Side::Target => "target",
        };
        format!("{}-{side}", self.name)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for side in [Side::Scanner, Side::Target] {
            let namespace = self.namespace(side);
            let mut command = Command::new("ip");
            let _ = command.args(["netns", "del", &namespace]).stderr(Stdio::null()).status();
        }
    }
}

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn ip(words: &str) {
    let status = Command::new("ip").args(words.split_whitespace()).status().expect("it starts");
    assert!(status.success(), "ip {words}");
}
