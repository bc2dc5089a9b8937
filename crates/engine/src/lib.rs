//! DataFusion sessions.
