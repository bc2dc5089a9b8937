//! Requests through the whole way, from bytes to bytes.
