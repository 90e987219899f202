//! Addresses for programs that are told where to listen, and come back there after each of their deaths.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// From here on the kernel gives ports to whoever connects or asks for any: an address of a program that is down for
/// a moment would be taken.
const EPHEMERAL: u16 = 32_768;
const FIRST: u16 = 12_000;

/// A loopback address that nobody has, nor gets by chance.
///
/// # Panics
/// None is left.
#[must_use]
pub fn address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let range = EPHEMERAL - FIRST;
    // Tests are processes of their own: each begins elsewhere.
    let own = u16::try_from(process::id() % u32::from(range)).unwrap_or(0);
    let from = |step: u16| (own.wrapping_mul(37)).wrapping_add(step) % range + FIRST;
    let free = |address: &SocketAddr| TcpListener::bind(address).is_ok();
    (0..range)
        .map(|_| from(NEXT.fetch_add(1, Ordering::Relaxed)))
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(free)
        .expect("a free port")
}
