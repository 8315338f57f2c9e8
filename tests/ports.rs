//! `postern ports` against firewalls between two namespaces: a lab is a file in `tests/ports/`, with its rules and its truth,
//! and every port's state and reason are what the truth says, by connects and by SYNs, over IPv4 and IPv6; those whose names
//! begin with `udp` by datagrams.
//!
//! scanner (192.0.2.1) ─ router with the lab's nftables rules (192.0.2.2, 198.51.100.1) ─ server (198.51.100.10)

#![expect(clippy::disallowed_methods, reason = "a lab is waited for")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so aloud")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use postern::model::record::Row;
use serde::Deserialize;
use serde_json::Value;

/// A lab, as its file tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lab {
    /// What it shows, as a sentence.
    about: String,
    /// The router's rules, in the chain that forwards; `{open}` stands for the ports that listen.
    #[serde(default)]
    forward: String,
    /// Rules of the server's own, in the chain that it answers by.
    #[serde(default)]
    answers: String,
    /// Rules of the server's own, in the chain that it hears by; `{open}` stands for the ports that listen.
    #[serde(default)]
    hears: String,
    /// A whole ruleset of the router's, before the other.
    #[serde(default)]
    router: String,
    /// Commands in the router's namespace, before its rules.
    #[serde(default)]
    prepare: String,
    /// How many packets a second, at most.
    pace: u32,
    /// The ports, as they are typed.
    ports: String,
    /// Which of them listen, and over UDP reply.
    open: Vec<u16>,
    /// Which listen over UDP and never reply.
    #[serde(default)]
    silent: Vec<u16>,
    /// Commands in the server's namespace.
    #[serde(default)]
    server: String,
    /// As many ports at least are in that state.
    #[serde(default)]
    at_least: BTreeMap<String, u64>,
    /// What every other port is: its state and how that is known, each as one of these.
    others: Vec<(String, String)>,
    /// What some are instead.
    #[serde(default)]
    but: BTreeMap<u16, (String, String)>,
    /// Words that the warnings must say.
    #[serde(default)]
    warns: Vec<String>,
    /// Only this way of sending shows what it is about.
    #[serde(default)]
    only: Option<String>,
}

const WAYS: [(&str, &str); 6] = [
    ("syn", "198.51.100.10"),
    ("connect", "198.51.100.10"),
    ("syn", "2001:db8:2::10"),
    ("connect", "2001:db8:2::10"),
    ("udp", "198.51.100.10"),
    ("udp", "2001:db8:2::10"),
];

fn main() {
    let mut arguments = Arguments::from_args();
    // Each is about losses and paces: beside one another they would measure each other.
    arguments.test_threads.get_or_insert(2);
    let mut labs: Vec<PathBuf> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ports"))
            .expect("the labs are readable")
            .map(|entry| entry.expect("the entry is readable").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
            .collect();
    labs.sort();
    let mut trials = Vec::new();
    for path in labs {
        for (way, address) in WAYS {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            if name.starts_with("udp") != (way == "udp") {
                continue;
            }
            let family = if address.contains(':') { "IPv6" } else { "IPv4" };
            let path = path.clone();
            let title = format!("{name} by {way} over {family}");
            trials.push(Trial::test(title, move || examine(&name, &path, way, address)));
        }
    }
    for (way, address) in WAYS.into_iter().filter(|(_, address)| !address.contains(':')) {
        for promised in PROMISED {
            let title =
                format!("on the wire is what the audit log says, by {way}, {}", promised.pace);
            trials.push(Trial::test(title, move || capture(way, address, promised)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn examine(name: &str, path: &Path, way: &str, address: &str) -> Result<(), Failed> {
    let lab: Lab = serde_saphyr::from_str(&fs::read_to_string(path)?)?;
    if lab.only.as_deref().is_some_and(|only| only != way) {
        return Ok(());
    }
    if let Some(missing) = missing() {
        // In CI nothing is skipped: there the test command has installed everything.
        if std::env::var_os("CI").is_some() {
            return Err(format!("{name} needs {missing}").into());
        }
        eprintln!("SKIPPED {name}: needs {missing} (tests/run installs it)");
        return Ok(());
    }
    let running = Running::start(&lab, way, address)?;
    if std::env::var_os("POSTERN_FULL").is_some() {
        for _ in 0..10 {
            compare(&lab, way, &running.ports(&lab, way, address)?)?;
        }
        return Ok(());
    }
    let lines = running.ports(&lab, way, address)?;
    let Err(wrong) = compare(&lab, way, &lines) else { return Ok(()) };
    // A machine that is busy with all other tests loses packets by itself, and then a reason may be another. Which ports are
    // open may not.
    which_are_open(&lab, &lines)?;
    eprintln!("{name} by {way}: once more, since {wrong:?}");
    compare(&lab, way, &running.ports(&lab, way, address)?)
}

/// Holds that those ports are open that listen, and no others.
fn which_are_open(lab: &Lab, lines: &[Value]) -> Result<(), Failed> {
    let mut open: Vec<u64> = lines
        .iter()
        .filter(|line| line["state"] == "open")
        .filter_map(|line| line["port"].as_u64())
        .collect();
    open.sort_unstable();
    open.dedup();
    if open.iter().copied().eq(lab.open.iter().map(|port| u64::from(*port))) {
        return Ok(());
    }
    Err(format!("{}\nopen are {:?}, and found were {open:?}", lab.about, lab.open).into())
}

fn missing() -> Option<&'static str> {
    let root =
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    if !root {
        return Some("root, for network namespaces");
    }
    let there = |program: &str| {
        ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
            .iter()
            .any(|folder| Path::new(folder).join(program).exists())
    };
    ["ip", "nft", "tc", "python3", "tcpdump"].into_iter().find(|program| !there(program))
}

/// A pace, in the tests that listen on the wire: how it is typed, how many packets a second that promises, and which ports
/// are asked at it.
#[derive(Clone, Copy)]
struct Promised {
    pace: &'static str,
    packets: usize,
    ports: (u16, &'static str),
}

/// The kindest, and a number.
const PROMISED: [Promised; 2] = [
    Promised { pace: "polite", packets: 20, ports: (60, "1-60") },
    Promised { pace: "300/s", packets: 300, ports: (500, "1-500") },
];

/// Listens on the wire: every SYN, or datagram, goes to the one address that was named, to one of the ports, stands in the audit log, and
/// no second holds more than was promised.
fn capture(way: &str, address: &str, promised: Promised) -> Result<(), Failed> {
    let udp = way == "udp";
    let file = if udp { "tests/ports/udp-drop.yaml" } else { "tests/ports/drop.yaml" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let mut lab: Lab = serde_saphyr::from_str(&fs::read_to_string(path)?)?;
    let (last, ports) = promised.ports;
    lab.ports = ports.into();
    if let Some(missing) = missing() {
        if std::env::var_os("CI").is_some() {
            return Err(format!("it needs {missing}").into());
        }
        eprintln!("SKIPPED the capture: needs {missing} (tests/run installs it)");
        return Ok(());
    }
    let running = Running::start(&lab, way, address)?;
    let file = running.folder.path().join("wire.pcap");
    let mut listen = Command::new("ip");
    listen.args(["netns", "exec", &running.names[SCANNER], "tcpdump"]);
    // What it has not handed on when it is ended would be lost, and so would be what its buffer cannot hold.
    listen.args([
        "-i",
        "any",
        "-U",
        "--immediate-mode",
        "-s",
        "128",
        "-B",
        "32768",
        "-Z",
        "root",
        "-w",
    ]);
    let counts = running.folder.path().join("tcpdump.txt");
    listen
        .arg(&file)
        .arg(if udp { "udp" } else { "tcp" })
        .stdout(Stdio::null())
        .stderr(fs::File::create(&counts)?);
    let mut listening = listen.spawn()?;
    let end = Instant::now() + Duration::from_secs(20);
    while fs::metadata(&file).map_or(0, |file| file.len()) == 0 {
        if Instant::now() > end {
            return Err("tcpdump does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let lines = running.at(promised.pace, &lab, way, address)?;
    // What is still on its way is seen too.
    std::thread::sleep(Duration::from_millis(700));
    run("kill", &["-INT", &listening.id().to_string()])?;
    listening.wait()?;
    let counts = fs::read_to_string(counts)?;
    if !counts.contains("\n0 packets dropped by kernel") {
        return Err(format!("the capture is not whole: {counts}").into());
    }
    let summary = &lines.last().ok_or("nothing was told")?["summary"];
    let open = lab.open.iter().filter(|port| **port <= last).count();
    if summary["hosts"][0]["states"]["open"] != open {
        return Err(format!("{open} are open: {summary}").into());
    }
    let packets = if udp { "udp and src host 192.0.2.1" } else { "tcp[tcpflags] == tcp-syn" };
    is_in_the_log(&running, &file, packets, (address, promised))
}

/// Holds those packets on the wire against the rows of the book.
fn is_in_the_log(
    running: &Running,
    file: &Path,
    packets: &str,
    (address, promised): (&str, Promised),
) -> Result<(), Failed> {
    let mut read = Command::new("tcpdump");
    read.args(["-nn", "-tt", "-r"]).arg(file).arg(packets);
    let text = String::from_utf8(read.stderr(Stdio::null()).output()?.stdout)?;
    let (mut on_the_wire, mut times) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        // 1700000000.123456 wire  Out IP 192.0.2.1.40000 > 198.51.100.10.22: Flags [S], …
        let to = line.split(" > ").nth(1).and_then(|rest| rest.split(':').next());
        let (to, port) = to.and_then(|to| to.rsplit_once('.')).ok_or("a line without a place")?;
        if to != address {
            return Err(format!("a packet went elsewhere: {line}").into());
        }
        *on_the_wire.entry(port.parse::<u16>()?).or_insert(0_usize) += 1;
        times.push(line.split_whitespace().next().ok_or("a line without a time")?.parse::<f64>()?);
    }
    let mut in_the_log = BTreeMap::new();
    let book = postern::book::Book::load(&running.folder.path().join("book.jsonl"));
    for (_, row) in book.map_err(|wrong| wrong.to_string())?.rows() {
        if let Row::Dials(dials) = row {
            for port in &dials.ports {
                *in_the_log.entry(*port).or_insert(0_usize) += 1;
            }
        }
    }
    if on_the_wire != in_the_log {
        return Err(format!("on the wire: {on_the_wire:?}\nin the log: {in_the_log:?}").into());
    }
    let in_a_second = |(nth, begun): (usize, &f64)| {
        times.iter().skip(nth).take_while(|time| **time < begun + 1.0).count()
    };
    let most = times.iter().enumerate().map(in_a_second).max().unwrap_or(0);
    if most > promised.packets || times.len() < usize::from(promised.ports.0) {
        return Err(format!("{} packets, {most} in one second", times.len()).into());
    }
    Ok(())
}

/// Holds what was found against the truth.
fn compare(lab: &Lab, way: &str, lines: &[Value]) -> Result<(), Failed> {
    let mut told: BTreeMap<u64, (&str, &str)> = BTreeMap::new();
    let mut summary = &Value::Null;
    for line in lines {
        if let Some(port) = line["port"].as_u64() {
            let word = |name: &str| line[name].as_str().unwrap_or_default();
            told.insert(port, (word("state"), word("reason")));
        } else {
            summary = &line["summary"];
        }
    }
    let (opens, silent) = match way {
        "udp" => ("reply", "open|filtered"),
        _ => ("handshake", "filtered"),
    };
    let mut story = String::new();
    let asked = postern::model::net::parse_port_ranges(&lab.ports)?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for port in &asked {
        // What is silent is not told by itself.
        let (state, reason) = told.get(&u64::from(*port)).copied().unwrap_or((silent, "no-answer"));
        *counts.entry(state).or_default() += 1;
        let right = match (lab.open.contains(port), lab.but.get(port)) {
            (true, _) => (state, reason) == ("open", opens),
            (false, Some((s, r))) => (state, reason) == (s, r),
            (false, None) => lab.others.iter().any(|(s, r)| (state, reason) == (s, r)),
        };
        if !right && story.len() < 2000 {
            let _ = writeln!(story, "  port {port}: {state}, {reason}");
        }
    }
    let host = &summary["hosts"][0];
    if summary["complete"] != true {
        let _ = writeln!(story, "  it did not come to its end");
    }
    for (state, least) in &lab.at_least {
        let count = counts.get(state.as_str()).copied().unwrap_or(0);
        if count < *least {
            let _ = writeln!(story, "  {count} are {state}, and not {least} at least");
        }
    }
    for (state, count) in counts {
        if host["states"][state].as_u64() != Some(count) {
            let _ =
                writeln!(story, "  {count} are {state}, and the summary says {}", host["states"]);
        }
    }
    let warnings = host["sweep"]["warnings"].to_string();
    for words in &lab.warns {
        if !warnings.contains(words.as_str()) {
            let _ = writeln!(story, "  no warning says `{words}`");
        }
    }
    // That a busy machine lost something is no fault; that somebody on the way did something that nobody did is.
    for words in ["as after a ban", "gave up", "answers every handshake", "stays open", "came back"]
    {
        if warnings.contains(words) && !lab.warns.iter().any(|known| known == words) {
            let _ = writeln!(story, "  nobody did anything of which it should say `{words}`");
        }
    }
    if story.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{story}{summary}", lab.about).into())
}

/// A lab while it runs. All of it goes when this is dropped.
struct Running {
    folder: tempfile::TempDir,
    names: [String; 3],
    server: Option<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
        }
    }
}

const SCANNER: usize = 0;
const ROUTER: usize = 1;
const SERVER: usize = 2;

/// Listens on every port that it is told, and takes what comes.
const LISTEN: &str = r"
import selectors, socket, sys
doors = selectors.DefaultSelector()
for port in sys.argv[2:]:
    door = socket.create_server((sys.argv[1], int(port)), backlog=4096,
        family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
    door.setblocking(False)
    doors.register(door, selectors.EVENT_READ)
open('listening', 'w').close()
held = []
while True:
    for key, _ in doors.select():
        try:
            held.append(key.fileobj.accept()[0])
        except OSError:
            pass
    for one in held[:-64]:
        one.close()
    held = held[-64:]
";

/// Replies to every datagram at the ports before the dash, one of them from another port as TFTP does, and to none at the
/// others.
const REPLY: &str = r"
import selectors, socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
doors, reply = selectors.DefaultSelector(), True
for word in sys.argv[2:]:
    if word == '-':
        reply = False
        continue
    door = socket.socket(family, socket.SOCK_DGRAM)
    door.bind((sys.argv[1], int(word)))
    if reply:
        doors.register(door, selectors.EVENT_READ, int(word))
    else:
        doors.register(door, selectors.EVENT_READ, 0)
open('listening', 'w').close()
while True:
    for key, _ in doors.select():
        said, place = key.fileobj.recvfrom(2048)
        if key.data == 69:
            other = socket.socket(family, socket.SOCK_DGRAM)
            other.bind((sys.argv[1], 0))
            other.sendto(b'not here', place)
            other.close()
        elif key.data:
            key.fileobj.sendto(b'here', place)
";

impl Running {
    fn start(lab: &Lab, way: &str, address: &str) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let random = folder.path().file_name().map(|name| name.to_string_lossy().replace('.', ""));
        let name = |role: &str| format!("pp-{}{role}", random.clone().unwrap_or_default());
        let mut running =
            Self { folder, names: [name("-c"), name("-r"), name("-s")], server: None };
        for name in &running.names {
            run("ip", &["netns", "add", name])?;
        }
        let [scanner, router, server] = running.names.clone();
        running.inside(
            SCANNER,
            &format!(
                "ip link set lo up
                 ip link add wire type veth peer name outer netns {router}
                 ip addr add 192.0.2.1/24 dev wire
                 ip addr add 2001:db8:1::1/64 dev wire nodad
                 ip link set wire up"
            ),
        )?;
        running.inside(
            ROUTER,
            &format!(
                "ip link set lo up
                 ip link add far type veth peer name near netns {server}
                 ip addr add 192.0.2.2/24 dev outer
                 ip addr add 2001:db8:1::2/64 dev outer nodad
                 ip addr add 198.51.100.1/24 dev far
                 ip addr add 2001:db8:2::1/64 dev far nodad
                 ip link set outer up
                 ip link set far up
                 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 || true"
            ),
        )?;
        running.inside(
            SERVER,
            "ip link set lo up
             ip addr add 198.51.100.10/24 dev near
             ip addr add 2001:db8:2::10/64 dev near nodad
             ip link set near up
             ip route add default via 198.51.100.1
             ip -6 route add default via 2001:db8:2::1
             sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=8192 || true",
        )?;
        running.inside(
            SCANNER,
            "ip route add default via 192.0.2.2; ip -6 route add default via 2001:db8:1::2",
        )?;
        drop(scanner);
        running.inside(SERVER, &lab.server)?;
        running.listen(lab, way, address)?;
        running.inside(ROUTER, &lab.prepare)?;
        let open = lab.open.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let table = |hook: &str, rules: &str| {
            format!("table inet lab {{ chain it {{ type filter hook {hook} priority 0;\n{rules}\n}}\n}}\n")
                .replace("{open}", &open)
        };
        running.rules(
            ROUTER,
            &format!("{}\n{}", lab.router.replace("{open}", &open), table("forward", &lab.forward)),
        )?;
        let hears = table("input", &lab.hears).replace("inet lab", "inet hears");
        running.rules(SERVER, &format!("{}{hears}", table("output", &lab.answers)))?;
        Ok(running)
    }

    fn listen(&mut self, lab: &Lab, way: &str, address: &str) -> Result<(), Failed> {
        let script = if way == "udp" { REPLY } else { LISTEN };
        let mut listen = Command::new("ip");
        listen.args(["netns", "exec", &self.names[SERVER], "python3", "-c", script, address]);
        listen.args(lab.open.iter().map(ToString::to_string));
        if way == "udp" {
            listen.arg("-").args(lab.silent.iter().map(ToString::to_string));
        }
        listen.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        self.server = Some(listen.spawn()?);
        let end = Instant::now() + Duration::from_secs(20);
        while !self.folder.path().join("listening").exists() {
            if Instant::now() > end {
                return Err("nothing listens".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn rules(&self, of: usize, rules: &str) -> Result<(), Failed> {
        let file = self.folder.path().join("rules.nft");
        fs::write(&file, rules)?;
        self.inside(of, &format!("nft -f {}", file.display()))
    }

    fn inside(&self, of: usize, script: &str) -> Result<(), Failed> {
        run("ip", &["netns", "exec", &self.names[of], "sh", "-euc", script])
    }

    /// Examines the ports with the real program, at the lab's pace.
    fn ports(&self, lab: &Lab, way: &str, address: &str) -> Result<Vec<Value>, Failed> {
        self.at(&format!("{}/s", lab.pace), lab, way, address)
    }

    /// The same, at another pace.
    fn at(&self, pace: &str, lab: &Lab, way: &str, address: &str) -> Result<Vec<Value>, Failed> {
        let program = env!("CARGO_BIN_EXE_postern");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[SCANNER], program, "ports", address]);
        command.args(["-p", &lab.ports, "--sweep", way, "--pace", pace, "--format", "jsonl"]);
        command.args(["--authorised-by", "the lab", "--quiet"]);
        let book = self.folder.path().join("book.jsonl");
        // A book is never overwritten.
        let _ = fs::remove_file(&book);
        command.arg("--book").arg(book);
        let output = command.stdin(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        let lines = lines?;
        if lines.is_empty() {
            return Err(
                format!("nothing was told: {}", String::from_utf8_lossy(&output.stderr)).into()
            );
        }
        Ok(lines)
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), Failed> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
