//! `tenon config show` and `tenon config check`.

use anyhow::Result;

use super::{Outcome, print};
use crate::config::{Layers, as_json, as_text, resolve};

/// Prints the effective configuration, secrets masked.
pub(crate) fn show(layers: &Layers, json: bool) -> Result<Outcome> {
    let config = resolve(layers)?;
    if json {
        print(&format!("{:#}\n", as_json(&config, layers)))?;
    } else {
        print(&as_text(&config, layers))?;
    }
    Ok(Outcome::Succeeded)
}

/// Says whether the configuration is right; every problem is in the error.
pub(crate) fn check(layers: &Layers, json: bool) -> Result<Outcome> {
    resolve(layers)?;
    let file = layers.file.as_ref().map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
    if json {
        print(&format!("{}\n", serde_json::json!({ "ok": true, "file": layers.file })))?;
    } else {
        print(&format!("the configuration is fine ({file})\n"))?;
    }
    Ok(Outcome::Succeeded)
}
