//! A scripted peer for the probes' tests: what it says, and what the engine would have found.

#![expect(clippy::disallowed_methods, reason = "the tests' own clock, which stands still")]

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};
use tokio::time::Instant;

use super::{Errand, Probe};
use crate::model::net::{HostId, Transport};
use crate::model::observation::Spot;
use crate::model::saw::{Cut, NamesSaw, PortsSaw};
use crate::plugins::Plugin;
use crate::talk::{Carrier, Datagram, Datagrams, Doors, Opening, Ran, Soon, Talk, Terms, Unopened};

/// What happens behind the doors.
#[derive(Default)]
pub(crate) struct Script {
    /// What the resolvers say.
    pub(crate) names: Option<NamesSaw>,
    /// What a sweep finds.
    pub(crate) ports: Option<PortsSaw>,
    /// That every door is shut in this way.
    pub(crate) cut: Option<Cut>,
    /// What the peers of the conversations to come say: each hears something first if it is `polite`.
    pub(crate) says: Vec<Vec<u8>>,
    /// Whether they wait for the whole of a request head.
    pub(crate) polite: bool,
    /// Whether something else answers at the address.
    pub(crate) alive: bool,
    /// A whole peer instead, for protocols that are more than one answer.
    pub(crate) peer: Option<fn(tokio::io::DuplexStream) -> Soon<'static, ()>>,
}

impl Script {
    /// One peer that says this, and then waits.
    pub(crate) fn says(bytes: &[u8]) -> Self {
        Self { says: vec![bytes.to_vec()], ..Self::default() }
    }
}

/// Sends a probe through the script to `web.example` (192.0.2.10), port 443, and reads what it brings home.
pub(crate) async fn ask<T: DeserializeOwned>(
    probe: &Probe,
    script: Script,
    encrypted: Option<bool>,
) -> T {
    let spot = Spot {
        host: HostId("web1".into()),
        address: "192.0.2.10".parse().ok(),
        service: Some((Transport::Tcp, 443)),
        name: Some("web.example".into()),
    };
    let says = Mutex::new(script.says.clone().into());
    let behind = Behind { script, says, peers: Mutex::default() };
    let errand = Errand {
        spot: &spot,
        ports: &[22, 443],
        agent: "Postern test",
        encrypted,
        alive: behind.script.alive,
        nonce: "n0nc3",
        patience: Duration::from_secs(3),
        clock: Instant::now,
        doors: &behind,
    };
    let brought = probe.ask(&errand).await.expect("the doors open");
    serde_json::from_value(brought.saw).expect("the probe's own form")
}

struct Behind {
    script: Script,
    says: Mutex<VecDeque<Vec<u8>>>,
    peers: Mutex<tokio::task::JoinSet<()>>,
}

impl Doors for Behind {
    fn open(&self, how: Opening) -> Soon<'_, Result<Talk, Unopened>> {
        Box::pin(async move {
            if let Some(cut) = &self.script.cut {
                return Err(Unopened::Cut(cut.clone()));
            }
            if let Some((address, _)) = &how.elsewhere
                && !address.to_string().starts_with("192.0.2.")
            {
                return Err(Unopened::Refused(format!("{address} is out of scope")));
            }
            let (ours, theirs) = duplex(64 * 1024);
            let mut peers = self.peers.lock().expect("no peer panics");
            if let Some(peer) = self.script.peer {
                peers.spawn(peer(theirs));
            } else {
                let says = self.says.lock().expect("no peer panics").pop_front();
                peers.spawn(say(theirs, says.unwrap_or_default(), self.script.polite));
            }
            let deadline = Instant::now() + Duration::from_secs(15);
            let terms = Terms { deadline, most: 256 * 1024, clock: Instant::now };
            Ok(Talk::new(Box::new(ours), terms, None))
        })
    }

    fn datagrams(&self, port: u16, tries: u32) -> Result<Datagrams<'_>, Unopened> {
        let deadline = Instant::now() + Duration::from_secs(15);
        let terms = Terms { deadline, most: 256 * 1024, clock: Instant::now };
        let carrier = Post { behind: self, port, ahead: None };
        Ok(Datagrams::new(Box::new(carrier), port, tries, terms))
    }

    fn run<'a>(&'a self, _: &'a Plugin, _: &'a str) -> Soon<'a, Result<Ran, Unopened>> {
        Box::pin(async { Err(Unopened::Refused("no script has a plug-in".into())) })
    }

    fn waited(&self) -> Duration {
        Duration::ZERO
    }

    fn resolve<'a>(&'a self, _: &'a str) -> Soon<'a, Result<NamesSaw, Unopened>> {
        Box::pin(async { self.script.names.clone().ok_or(Unopened::Stopped) })
    }

    fn sweep<'a>(&'a self, _: Transport, _: &'a [u16]) -> Soon<'a, Result<PortsSaw, Unopened>> {
        Box::pin(async { self.script.ports.clone().ok_or(Unopened::Stopped) })
    }

    fn whereabouts(&self, name: &str) -> Result<IpAddr, String> {
        match name {
            "web.example" | "www.web.example" => Ok("192.0.2.10".parse().expect("an address")),
            _ => Err(format!("{name} is no name of web1")),
        }
    }
}

/// Answers each datagram with the next piece of the script, by silence where that is empty or there is none.
struct Post<'a> {
    behind: &'a Behind,
    port: u16,
    ahead: Option<Vec<u8>>,
}

impl Carrier for Post<'_> {
    fn send<'a>(&'a mut self, _: &'a [u8]) -> Soon<'a, Result<Duration, Unopened>> {
        let next = self.behind.says.lock().expect("no peer panics").pop_front();
        self.ahead = next.filter(|piece| !piece.is_empty());
        Box::pin(async { Ok(Duration::ZERO) })
    }

    fn hear(&mut self, most: usize, until: Instant) -> Soon<'_, Result<Datagram, Cut>> {
        Box::pin(async move {
            if let Some(cut) = &self.behind.script.cut {
                return Err(cut.clone());
            }
            let Some(mut bytes) = self.ahead.take() else {
                tokio::time::sleep_until(until).await;
                return Err(Cut::TimedOut);
            };
            let whole = bytes.len() <= most;
            bytes.truncate(most);
            Ok(Datagram { bytes, whole, from: self.port })
        })
    }
}

/// The peer: hears a head if it is polite, says its piece, and then closes (polite) or waits for ever.
async fn say(mut wire: impl AsyncRead + AsyncWrite + Unpin, piece: Vec<u8>, polite: bool) {
    let mut head = Vec::new();
    while polite && !head.ends_with(b"\r\n\r\n") {
        match wire.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let _ = wire.write_all(&piece).await;
    if !polite {
        std::future::pending::<()>().await;
    }
}
