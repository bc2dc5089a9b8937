//! Tables of open formats that the library in scripts writes into, under `/_/scripts/`:
//!
//! - `POST table/write` of `{"Frame": {"Folder", "Columns"}, "Target": {kind: {…}}, "JobName"?, "RunId"?}` commits the rows of a
//!   frame to an Iceberg or Delta table as a target node of that kind with these members would, in one transaction, and
//!   answers `{"Rows"}`

use std::collections::BTreeMap;

use http::Request;
use jobs::TableWrite;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::Body;

use super::admit::Refused;
use super::script_frames::{Frame, MAX_BODY_BYTES};
use super::scripts::ScriptOps;

/// The body of `table/write`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Write {
    frame: Frame,
    target: BTreeMap<String, Map<String, Value>>,
    #[serde(default)]
    job_name: String,
    #[serde(default)]
    run_id: String,
}

impl ScriptOps {
    pub(super) async fn write_table(&self, request: Request<Body>) -> Result<Value, Refused> {
        let (by, asked): (_, Write) = self.admit(request, MAX_BODY_BYTES).await?;
        let mut targets = asked.target.into_iter();
        let (Some((kind, members)), None) = (targets.next(), targets.next()) else {
            return Err(Refused::invalid("Target has exactly one member, the kind of a target"));
        };
        let (frame, job, run) = (asked.frame.into(), asked.job_name, asked.run_id);
        let write = TableWrite { frame, kind, members, job, run, is_held_back: by.is_held_back };
        let _slot = self.slot().await?;
        let rows = by.stager.write_table(&by.scope, &write).await?;
        Ok(json!({ "Rows": rows }))
    }
}
