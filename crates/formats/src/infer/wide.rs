//! What is seen of the columns of files that carry their types, although their values are not looked at: which numbers a `double`
//! might lose digits of, and which columns have no value at all.

use arrow::datatypes::{DataType, Fields, Schema};

use super::Seen;

/// Up to this every whole number is a `double`.
const MOST: i64 = 1 << 53;
/// Decimals of so many digits are told apart as `double`.
const DIGITS: u8 = 15;

/// What is seen of the columns of a file. `integers`: the least and the greatest number of each column of 64 bits, by leaf, where
/// the file says them.
pub(super) fn of(schema: &Schema, integers: &[Option<(i64, i64)>]) -> Vec<Seen> {
    let mut leaves = integers.iter().copied();
    schema.fields().iter().map(|field| seen(field.data_type(), &mut leaves)).collect()
}

/// Of one column, whose leaves it takes.
fn seen(ty: &DataType, leaves: &mut dyn Iterator<Item = Option<(i64, i64)>>) -> Seen {
    match ty {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::FixedSizeList(item, _) => Seen::of_items(seen(item.data_type(), leaves)),
        DataType::Struct(fields) => Seen::of_members(members(fields, leaves)),
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { return Seen::Values };
            // A key is never missing.
            let values = members(pair, leaves).pop();
            Seen::of_items(values.map_or(Seen::Values, |(_, seen)| seen))
        }
        DataType::Dictionary(_, values) => seen(values, leaves),
        leaf => {
            let bounds = leaves.next().flatten();
            match leaf {
                // A column that was written without a single value.
                DataType::Null => Seen::Nothing,
                leaf if may_be_wide(leaf, bounds) => Seen::Wide,
                _ => Seen::Values,
            }
        }
    }
}

fn members(fields: &Fields, leaves: &mut dyn Iterator<Item = Option<(i64, i64)>>) -> Vec<(String, Seen)> {
    fields.iter().map(|field| (field.name().clone(), seen(field.data_type(), leaves))).collect()
}

fn may_be_wide(leaf: &DataType, bounds: Option<(i64, i64)>) -> bool {
    match leaf {
        DataType::Int64 => bounds.is_none_or(|(least, most)| least < -MOST || most > MOST),
        // Stored with the same bits: what is beyond the signed ones looks negative.
        DataType::UInt64 => bounds.is_none_or(|(least, most)| least < 0 || most > MOST),
        DataType::Decimal32(digits, _)
        | DataType::Decimal64(digits, _)
        | DataType::Decimal128(digits, _)
        | DataType::Decimal256(digits, _) => *digits > DIGITS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn leaves_are_told_by_their_bounds() {
        let field = |name: &str, ty: DataType| Field::new(name, ty, true);
        let item = |ty: DataType| DataType::List(Arc::new(field("item", ty)));
        let map = |value: DataType| {
            let pair = vec![Field::new("key", DataType::Int64, false), field("value", value)];
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair.into()), false)), false)
        };
        let inner =
            vec![field("x", DataType::Int64), field("y", DataType::Utf8), field("z", DataType::Int64)];
        let schema = Schema::new(vec![
            field("a", DataType::Int64),
            field("b", DataType::UInt64),
            field("c", DataType::Struct(inner.into())),
            field("d", item(DataType::Int64)),
            field("e", DataType::Decimal128(15, 2)),
            field("f", DataType::Decimal128(16, 2)),
            field("g", DataType::Int32),
            field("h", DataType::UInt64),
            field("i", item(DataType::Null)),
            field("j", map(DataType::Null)),
            field("k", map(DataType::Int64)),
        ]);
        let narrow = Some((-MOST, MOST));
        let bounds =
            [narrow, narrow, narrow, None, Some((0, MOST + 1)), narrow, None, None, None, Some((0, MOST))];
        let wanted = [
            Seen::Values,
            Seen::Wide,
            Seen::of_members([("z".to_owned(), Seen::Wide)]),
            Seen::Values,
            Seen::Values,
            Seen::Wide,
            Seen::Values,
            Seen::Values,
            Seen::of_items(Seen::Nothing),
            Seen::of_items(Seen::Nothing),
            Seen::of_items(Seen::Wide),
        ];
        assert_eq!(of(&schema, &bounds), wanted);
        let unknown = of(&schema, &[]);
        assert_eq!((&unknown[0], &unknown[6], &unknown[7]), (&Seen::Wide, &Seen::Values, &Seen::Wide));
    }
}
