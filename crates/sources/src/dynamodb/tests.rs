use super::*;

const TABLE: &str = r#"{"Table":{"TableName":"t","TableArn":"arn:aws:dynamodb:us-east-1:123456789012:table/t",
  "ItemCount":3,"TableSizeBytes":99,"KeySchema":[{"AttributeName":"id","KeyType":"HASH"},
  {"AttributeName":"at","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"at","AttributeType":"N"},
  {"AttributeName":"id","AttributeType":"S"}],"ProvisionedThroughput":{"ReadCapacityUnits":10}}}"#;

#[test]
fn tables_are_described() {
    let info = reply::table(TABLE.as_bytes()).unwrap();
    assert_eq!((info.items, info.bytes, info.read_units), (3, 99, Some(10)));
    assert_eq!(info.hash_key, ("id".to_owned(), KeyKind::S));
    assert_eq!(info.range_key, Some(("at".to_owned(), KeyKind::N)));
    let on_demand = TABLE.replace(":10}", ":0},\"OnDemandThroughput\":{\"MaxReadRequestUnits\":80}");
    let info = reply::table(on_demand.as_bytes()).unwrap();
    assert_eq!((info.read_units, info.most_on_demand), (None, Some(80)));
}

#[test]
fn pages_keep_every_digit() {
    let text = r#"{"Items":[{"a":{"N":"123456789012345678901234567890.12345678"},"b":{"L":[{"BOOL":true},{"NULL":true},
      {"M":{"c":{"SS":["x"]},"d":{"NS":["1"]},"e":{"BS":["AA=="]},"f":{"B":"AA=="}}}]}}],
      "LastEvaluatedKey":{"id":{"S":"x"}},"ConsumedCapacity":{"CapacityUnits":12.5}}"#;
    let page = reply::page(text.as_bytes()).unwrap();
    assert_eq!(page.items[0]["a"], Attribute::N("123456789012345678901234567890.12345678".to_owned()));
    assert!(matches!(&page.items[0]["b"], Attribute::L(items) if items.len() == 3));
    assert_eq!((page.next.map(|key| key.len()), page.units), (Some(1), 12.5));
}

#[test]
fn replies_that_are_none_are_refused() {
    for (body, word) in [
        ("", "cut short"),
        ("{\"Items\":[{", "cut short"),
        ("<html>", "no JSON"),
        ("{}", "Items"),
        (r#"{"Items":[{"a":{"Q":"1"}}]}"#, "unknown variant"),
    ] {
        let problem = reply::page(body.as_bytes()).unwrap_err();
        assert!(problem.contains(word), "{body}: {problem}");
    }
    assert!(reply::table(b"{\"Table\":{}}").is_err());
    let fault = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no"}"#;
    assert_eq!(reply::fault(fault), ("ResourceNotFoundException".to_owned(), "no".to_owned()));
    assert_eq!(reply::fault(b"<html>"), Default::default());
}

#[test]
fn the_rate_is_a_share_of_the_capacity() {
    let mut info = reply::table(TABLE.as_bytes()).unwrap();
    let pause = |rate: Rate, units, took| rate.pause(units, Duration::from_millis(took)).as_millis();
    assert_eq!(pause(Rate::of(&info, None), 20.0, 0), 4000, "half of ten units a second");
    assert_eq!(pause(Rate::of(&info, Some(1.0)), 20.0, 500), 1500, "the time that it took counts");
    assert_eq!(pause(Rate::of(&info, Some(1.0)), 20.0, 5000), 0);
    assert_eq!(pause(Rate::of(&info, Some(1.0)), 0.0, 0), 0);
    info.read_units = None;
    assert_eq!(pause(Rate::of(&info, None), 128.0, 0), 12, "a quarter of 40,000");
    info.most_on_demand = Some(80);
    assert_eq!(pause(Rate::of(&info, None), 20.0, 0), 1000, "a quarter of what it may use");
}
