//! Which port is asked when, how fast, how often, and what the answers mean.
//!
//! Nothing here touches a socket, a clock or chance: whoever drives a [`Sweep`] asks it what to send
//! ([`Sweep::poll_transmit`]), tells it what came ([`Sweep::handle`]), and looks in again in time
//! ([`Sweep::poll_timeout`]). So a sweep can be played in a simulation, a million times and always alike.
//!
//! How it goes about it:
//!
//! - A port that answers is asked again all along, as a *canary*: when its answers stay away, something is lost, and how much
//!   is lost at which rate is known at every moment.
//! - The rate doubles while nothing is lost, is lowered to what gets through when more is lost than usual, and restored where
//!   that did not help. When nothing gets through any more everything stops, but for a canary now and then; afterwards it
//!   goes on well below the rate that was punished, and what was asked meanwhile is asked again.
//! - Silence proves nothing but by repetition. A silent port has been missed with the chance that all its probes were lost;
//!   it is asked again, a whole pass over all others later, until that chance is below the one that is borne.
//! - Ports behind which something may be that bears little come last, by whole connects whatever the way.
//! - An open port is confirmed by a second whole handshake, on which the other side has to stay.
//! - Over UDP only who replies is a canary, and only after it has replied often enough: many a service limits its answers.
//!   Where nobody does, it goes slowly and says so.
//! - Where resets or ICMP errors are limited in number, open ports are found all the same, and of the silent ones a sample is
//!   asked slowly.

#![forbid(unsafe_code)]

mod asking;
mod cell;
mod ending;
mod hearing;
mod order;
mod pulse;
mod said;
mod sweep;
mod udp;

pub use said::{
    Answer, Event, Probe, Rates, Reason, Resetter, Said, Settings, Settled, State, Summary, Time,
    Transmit, Warning, Way,
};
pub use sweep::Sweep;
