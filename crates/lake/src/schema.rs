//! Tables of the object index.
//!
//! `lake_objects.layout` and `doc` are versioned JSON (see `layout` and `meta`); both stand last in their rows, so that
//! a listing does not read long layouts. `inline_id` names the extent of an object that is one inline extent, so that
//! reading a small object is a single query.

use store::Migrations;

/// The lake's tables, for `Store::open`.
pub const MIGRATIONS: Migrations = Migrations { owner: "lake", steps: &[V1, V2, V3, V4] };

/// How many slices a part has, so that an upload's can be counted without reading its layouts.
const V2: &str = "
ALTER TABLE lake_parts ADD COLUMN slices {int} NOT NULL DEFAULT 1;
";

/// What only one writer sees until it is published (see `overlay`).
const V4: &str = "
CREATE TABLE lake_overlays (
  name {text} NOT NULL PRIMARY KEY,
  begun_ms {int} NOT NULL
);
CREATE TABLE lake_shadows (
  id {int} NOT NULL PRIMARY KEY,
  overlay {text} NOT NULL,
  bucket {int} NOT NULL,
  bucket_name {text} NOT NULL
);
CREATE UNIQUE INDEX lake_shadows_overlay ON lake_shadows (overlay, bucket);
CREATE TABLE lake_veils (
  shadow {int} NOT NULL,
  key {bytes} NOT NULL,
  event {text} NOT NULL,
  expected {text},
  PRIMARY KEY (shadow, key)
);
";

/// What is told of a bucket's changes, and to whom (see `notification`).
const V3: &str = "
ALTER TABLE lake_buckets ADD COLUMN events {text};
";

const V1: &str = "
CREATE TABLE lake_buckets (
  id {int} NOT NULL PRIMARY KEY,
  name {text} NOT NULL UNIQUE,
  account {text} NOT NULL,
  region {text} NOT NULL,
  created_ms {int} NOT NULL
);
CREATE INDEX lake_buckets_account ON lake_buckets (account, name);
CREATE TABLE lake_objects (
  bucket {int} NOT NULL,
  key {bytes} NOT NULL,
  size {int} NOT NULL,
  etag {text} NOT NULL,
  modified_ms {int} NOT NULL,
  inline_id {int},
  doc {text} NOT NULL,
  layout {text} NOT NULL,
  PRIMARY KEY (bucket, key)
);
CREATE TABLE lake_extents (
  id {int} NOT NULL PRIMARY KEY,
  refs {int} NOT NULL,
  size {int} NOT NULL,
  bytes {bytes}
);
CREATE TABLE lake_garbage (
  id {int} NOT NULL PRIMARY KEY,
  since_ms {int} NOT NULL
);
CREATE TABLE lake_uploads (
  id {text} NOT NULL PRIMARY KEY,
  bucket {int} NOT NULL,
  key {bytes} NOT NULL,
  initiated_ms {int} NOT NULL,
  doc {text} NOT NULL
);
CREATE INDEX lake_uploads_key ON lake_uploads (bucket, key, id);
CREATE TABLE lake_parts (
  upload {text} NOT NULL,
  number {int} NOT NULL,
  size {int} NOT NULL,
  etag {text} NOT NULL,
  modified_ms {int} NOT NULL,
  doc {text} NOT NULL,
  layout {text} NOT NULL,
  PRIMARY KEY (upload, number)
);
CREATE TABLE lake_state (
  name {text} NOT NULL PRIMARY KEY,
  value {int} NOT NULL
);
";
