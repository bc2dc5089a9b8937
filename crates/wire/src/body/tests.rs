use futures::stream;

use super::*;

fn pieces(pieces: &[&'static str]) -> impl Stream<Item = Result<Bytes, std::io::Error>> + use<> {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
    stream::iter(pieces)
}

#[tokio::test]
async fn collects_up_to_the_cap() {
    let mut body = Body::from_stream(pieces(&["ab", "", "cd", "e"]));
    assert_eq!(body.length(), None);
    assert_eq!(body.read_all(5).await.expect("fits"), "abcde");
    assert!(body.chunk().await.is_none(), "stays at its end");
    let mut body = Body::from_stream(pieces(&["ab", "cd", "e"]));
    assert!(matches!(body.read_all(4).await, Err(BodyError::TooLarge { limit: 4 })));
    let mut body = Body::from("abcde");
    assert!(matches!(body.read_all(4).await, Err(BodyError::TooLarge { limit: 4 })));
    assert_eq!(Body::empty().read_all(0).await.expect("empty"), "");
}

#[tokio::test]
async fn sized_streams_keep_their_promise() {
    let mut body = Body::from_sized_stream(4, pieces(&["ab", "cd"]));
    assert_eq!(body.length(), Some(4));
    assert_eq!(body.chunk().await.expect("first").expect("good"), "ab");
    assert_eq!(body.length(), Some(2));
    assert_eq!(body.read_all(9).await.expect("good"), "cd");
    let mut short = Body::from_sized_stream(5, pieces(&["ab", "cd"]));
    assert!(matches!(short.read_all(9).await, Err(BodyError::Incomplete { expected: 5, received: 4 })));
    assert!(short.chunk().await.is_none(), "nothing after an error");
    let mut long = Body::from_sized_stream(3, pieces(&["ab", "cd"]));
    assert!(matches!(long.read_all(9).await, Err(BodyError::Excess { expected: 3 })));
}

#[test]
fn own_errors_survive_wrapping() {
    let inner: BoxError = Box::new(BodyError::Timeout);
    assert!(matches!(BodyError::source(inner), BodyError::Timeout));
    assert!(matches!(BodyError::source("else"), BodyError::Source(_)));
}

#[test]
fn bodies_may_be_shared_and_sent() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<Body>();
}

#[tokio::test]
async fn what_requests_hold_together_is_bounded() {
    let budget = crate::budget::Budget::new(6);
    let (mut first, mut second) = (budget.share(), budget.share());
    let mut body = Body::from_stream(pieces(&["ab", "cd"]));
    assert_eq!(body.read_shared(9, &mut first).await.expect("fits"), "abcd");
    let mut body = Body::from_stream(pieces(&["ab", "cd"]));
    assert!(matches!(body.read_shared(9, &mut second).await, Err(BodyError::Busy)));
    drop((first, second));
    let mut body = Body::from("abcdef");
    assert_eq!(body.read_shared(9, &mut budget.share()).await.expect("given back"), "abcdef");
}
