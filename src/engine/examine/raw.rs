//! SYNs by themselves, through a raw socket, as far as this machine lets us.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::IpAddr;

use postern_raw::{IcmpError, SynSocket, What};
use postern_sweep::{Answer, Said, Time};
use tokio::io::unix::AsyncFd;

use super::connects::watched;
use crate::engine::dial::Place;

/// A raw socket to one address.
pub(super) struct Raw {
    socket: AsyncFd<SynSocket>,
    drops: u64,
}

impl Raw {
    /// # Errors
    /// What the system says: without the privilege, that it is not permitted.
    pub(super) fn new(to: IpAddr) -> io::Result<Self> {
        let socket = SynSocket::open(to, secret())?;
        Ok(Self { socket: watched(socket)?, drops: 0 })
    }

    /// Sends a SYN to each of the places with its number; answers how many have left, in order.
    pub(super) fn send(
        &mut self,
        places: impl Iterator<Item = (Place, u8)>,
    ) -> (usize, Option<io::Error>) {
        let socket = self.socket.get_mut();
        for (place, number) in places {
            socket.queue(place.port(), number);
        }
        let mut sent = 0;
        while socket.queued() > 0 {
            match socket.flush() {
                Ok(0) => break,
                Ok(count) => sent += count,
                Err(wrong) => {
                    socket.take_back().for_each(drop);
                    return (sent, Some(wrong));
                }
            }
        }
        socket.take_back().for_each(drop);
        (sent, None)
    }

    /// Hands over what was heard, each with its time. Never waits.
    pub(super) fn hear(&mut self, now: Time, mut each: impl FnMut(Answer, Time)) -> io::Result<()> {
        let socket = self.socket.get_mut();
        loop {
            let read = socket.receive(&mut |heard| {
                let said = match heard.what {
                    What::SynAck { window, ttl } | What::ChallengeAck { window, ttl } => {
                        Said::SynAck { window, ttl }
                    }
                    What::Reset { ttl } => Said::Reset { ttl },
                    What::Unreachable(IcmpError { kind, code, from }) => {
                        Said::Unreachable { kind, code, from }
                    }
                };
                let answer = Answer { port: heard.port, number: heard.number, said };
                each(answer, now.saturating_sub(heard.waited));
            })?;
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// How many answers were lost on this machine since the last time.
    pub(super) fn lost(&mut self) -> u64 {
        let drops = self.socket.get_ref().drops().unwrap_or(self.drops);
        let more = drops.saturating_sub(self.drops);
        self.drops = drops;
        more
    }

    /// Waits until something was heard.
    pub(super) async fn wait(&self) {
        if let Ok(mut guard) = self.socket.readable().await {
            guard.clear_ready();
        }
    }
}

/// Random bytes, by keys of the standard library's that are new each time.
pub(super) fn secret() -> [u8; 16] {
    let mut secret = [0; 16];
    let half = |of: u8| RandomState::new().hash_one(of).to_be_bytes();
    for (to, from) in secret.iter_mut().zip(half(1).into_iter().chain(half(2))) {
        *to = from;
    }
    secret
}
