//! A service that clients ask in awsJson and, older ones, in awsQuery.

use serde_json::{Value, json};

use super::server::{Server, server, signed};
use super::text;
use crate::Fault;

const TARGET: (&str, &str) = ("x-amz-target", "GraniteServiceVersion20100801.ListMetrics");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

async fn ask(server: &Server, header: (&str, &str), body: &str) -> (u16, Option<String>, String) {
    let credential = signed("monitoring", "k");
    let headers = [header, ("authorization", credential.as_str())];
    let response = server.send("POST", "/", &headers, body.to_owned()).await;
    let own = response.headers().get("x-amzn-query-error").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), own, text(response).await)
}

#[tokio::test]
async fn both_protocols_mean_the_same() {
    let server = server();
    let dimension = json!([{"Name": "JobName", "Value": "x"}]);
    let metric = json!({"Namespace": "Glue", "MetricName": "m", "Dimensions": dimension});
    let input = json!({"Namespace": "Glue", "Dimensions": dimension});
    server.reply(json!({"Metrics": [metric]}));
    let (status, _, body) = ask(&server, TARGET, &input.to_string()).await;
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (200, json!({"Metrics": [metric]})));
    assert_eq!(Value::Object(server.asked().input), input);

    server.reply(json!({"Metrics": [metric]}));
    let form = "Action=ListMetrics&Version=2010-08-01&Namespace=Glue\
        &Dimensions.member.1.Name=JobName&Dimensions.member.1.Value=x";
    let (status, _, body) = ask(&server, FORM, form).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<ListMetricsResult><Metrics><member><Namespace>Glue</Namespace>"), "{body}");
    assert_eq!(Value::Object(server.asked().input), input);
}

#[tokio::test]
async fn errors_have_the_names_of_both() {
    let server = server();
    let wrong = || server.fault(Fault::new("InvalidParameterValueException", "no"));
    wrong();
    let (status, own, body) = ask(&server, TARGET, "{}").await;
    let expected = json!({"__type": "InvalidParameterValueException", "message": "no"});
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (400, expected));
    assert_eq!(own.as_deref(), Some("InvalidParameterValue;Sender"));
    wrong();
    let (status, own, body) = ask(&server, FORM, "Action=ListMetrics").await;
    assert_eq!((status, own), (400, None));
    assert!(body.contains("<Code>InvalidParameterValue</Code>"), "{body}");
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let server = server();
    let target = ("x-amz-target", "GraniteServiceVersion20100801.PutMetricAlarm");
    for (header, body) in [(target, "{}"), (FORM, "Action=PutMetricAlarm&Version=2010-08-01")] {
        let (status, _, body) = ask(&server, header, body).await;
        assert_eq!(status, 501);
        assert!(body.contains("cloudwatch PutMetricAlarm is known but not built"), "{body}");
    }
    let (status, _, body) = ask(&server, ("smithy-protocol", "rpc-v2-cbor"), "").await;
    assert_eq!(status, 501);
    assert!(body.contains("use a client that sends JSON or the query protocol"), "{body}");
}
