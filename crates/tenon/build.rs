//! How the program is linked.
//!
//! The engine's tables of functions need four hundred thousand relative relocations. As they are written by default
//! (`.rela.dyn`, 24 bytes each) the loader reads ten megabytes of the file at every start, which stay in memory; packed
//! (`.relr.dyn`) they are a hundred kilobytes. The loader must know them: glibc does since 2.36.

use std::env;
use std::process::Command;

/// The first glibc that loads packed relocations.
const FIRST: (u32, u32) = (2, 36);

#[expect(clippy::disallowed_methods, reason = "a build script is told by variables what it builds for")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_native = env::var("HOST").ok() == env::var("TARGET").ok();
    let is_glibc = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|name| name == "gnu");
    if is_native && is_glibc && glibc().is_some_and(|version| version >= FIRST) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's glibc; none when it cannot be asked, and the program is then linked as by default.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
