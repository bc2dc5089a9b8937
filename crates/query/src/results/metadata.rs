//! `<result>.metadata`: the columns of a result beside it.
//!
//! Athena keeps such a file for its own use and does not document its layout; clients only copy and delete it. Ours is
//! a Protocol Buffers message: field 1 repeated, a column of 1 name, 2 type, 3 precision, 4 scale.

use crate::execution::ResultColumn;

pub(crate) fn metadata(columns: &[ResultColumn]) -> Vec<u8> {
    let mut out = Vec::new();
    for column in columns {
        let mut message = Vec::new();
        field_bytes(&mut message, 1, column.name.as_bytes());
        field_bytes(&mut message, 2, column.type_name.as_bytes());
        field_number(&mut message, 3, column.precision);
        field_number(&mut message, 4, column.scale);
        field_bytes(&mut out, 1, &message);
    }
    out
}

fn field_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn field_number(out: &mut Vec<u8>, number: u64, value: i64) {
    varint(out, number << 3);
    varint(out, value.cast_unsigned());
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_a_message() {
        let column = ResultColumn { name: "a".into(), type_name: "bigint".into(), precision: 19, scale: 0 };
        let bytes = metadata(&[column]);
        assert_eq!(bytes, b"\x0a\x0f\x0a\x01a\x12\x06bigint\x18\x13\x20\x00");
    }
}
