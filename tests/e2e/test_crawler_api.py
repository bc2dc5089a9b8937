"""Crawlers over HTTP APIs: `ApiTargets` of a crawler's `Configuration`, with connections that say where and who."""

import datetime
import http.server
import ipaddress
import json
import ssl
import threading

import botocore.exceptions
import pytest

from conftest import name
from test_crawler import Crawl, columns

SECRET = "hunter2-of-the-api"


class Api:
    """Answers requests by `routes`: path to a function of the request, which gives status, headers and body."""

    def __init__(self, tls=None):
        api = self
        self.routes, self.seen = {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                api.seen.append(self)
                path, _, query = self.path.partition("?")
                self.query = dict(pair.split("=", 1) for pair in query.split("&") if pair)
                route = api.routes.get(path, lambda _: (404, {}, ""))
                status, headers, body = route(self)
                body = body if isinstance(body, str) else json.dumps(body)
                headers = {"Content-Type": "application/json", "Content-Length": str(len(body.encode())), **headers}
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def api():
    server = Api()
    yield server
    server.stop()


class ApiCrawl(Crawl):
    def connect(self, url, authentication=None, **properties):
        self.connection = name("api")
        connection = {
            "Name": self.connection, "ConnectionType": "CUSTOM",
            "ConnectionProperties": {"CONNECTION_URL": url, **properties},
        }
        if authentication:
            connection["AuthenticationConfiguration"] = authentication
        self.glue.create_connection(ConnectionInput=connection)
        return self

    def define(self, *targets, s3=(), **definition):
        targets = [{"ConnectionName": self.connection, **target} for target in targets]
        self.glue.create_crawler(
            Name=self.name, Role="r", DatabaseName=self.database,
            Targets={"S3Targets": [{"Path": path} for path in s3]} if s3 else {},
            Configuration=json.dumps({"Version": 1.0, "ApiTargets": targets}), **definition,
        )
        return self


@pytest.fixture
def crawl(tenon):
    return ApiCrawl(tenon)


def custom(**credentials):
    return {"AuthenticationType": "CUSTOM", "CustomAuthenticationCredentials": credentials}


def test_pages_of_json_become_a_table(crawl, api):
    def orders(request):
        page = int(request.query.get("page", "1"))
        headers = {"Link": f'<{api.url}/orders?page={page + 1}>; rel="next"'} if page < 3 else {}
        rows = [{"Id": page * 10 + n, "amount": n + 0.5, "customer": {"name": "ann"}} for n in range(2)]
        return 200, headers, {"data": {"items": rows}}

    api.routes["/v1/orders"] = orders
    crawl.connect(api.url, custom(bearer=SECRET))
    paging = {"Type": "LINK_HEADER"}
    crawl.define({"Path": "/orders", "RecordPath": "data.items", "Paging": paging}, TablePrefix="api_").run()
    table = crawl.tables()["api_orders"]
    assert columns(table) == [("id", "int"), ("amount", "double"), ("customer", "struct<name:string>")]
    assert table["StorageDescriptor"]["Location"] == f"{api.url}/orders#data.items"
    expected = {
        "classification": "json", "typeOfData": "api", "connectionName": crawl.connection, "apiPath": "/orders",
        "apiRecordPath": "data.items", "recordCount": "6", "UPDATED_BY_CRAWLER": crawl.name,
    }
    assert {key: table["Parameters"].get(key) for key in expected} == expected
    assert json.loads(table["Parameters"]["apiPaging"]) == paging
    assert [request.headers["Authorization"] for request in api.seen] == [f"Bearer {SECRET}"] * 3
    crawl.run()
    assert "has not changed" in crawl.log()
    shown = json.dumps([crawl.get(), table, crawl.glue.get_connections()], default=str)
    assert SECRET not in shown + crawl.log() + crawl.tenon.log.read_text()
    _, status = crawl.execute(f'select * from "{crawl.database}"."api_orders"')
    reason = status["StateChangeReason"]
    assert status["State"] == "FAILED" and f"an API (json: {api.url}/orders#data.items)" in reason, reason


def test_csv_and_every_way_to_log_in(crawl, api):
    def rates(request):
        if request.headers["Authorization"] != "Basic bWU6cHc=":
            return 401, {}, ""
        return 200, {"Content-Type": "text/csv"}, "day,rate\n2026-01-01,1.5\n2026-01-02,1.25\n"

    def keyed(request):
        if (request.headers["X-Api-Key"], request.query.get("token")) != ("k1", "k2"):
            return 403, {}, ""
        return 200, {}, [{"a": 1, "version": request.headers["X-Version"]}]

    api.routes.update({"/v1/rates.csv": rates, "/v1/keyed": keyed})
    basic = {"AuthenticationType": "BASIC", "BasicAuthenticationCredentials": {"Username": "me", "Password": "pw"}}
    crawl.connect(api.url, basic).define({"Path": "rates.csv"}).run()
    table = crawl.tables()["rates_csv"]
    assert columns(table) == [("day", "string"), ("rate", "double")]
    assert table["Parameters"]["classification"] == "csv" and table["Parameters"]["recordCount"] == "2"

    other = ApiCrawl(crawl.tenon).connect(api.url, USERNAME="me", PASSWORD="pw")
    other.define({"Path": "/rates.csv", "TableName": "rates"}).run()
    assert set(other.tables()) == {"rates"}
    keys = ApiCrawl(crawl.tenon).connect(api.url, custom(**{"header.X-Api-Key": "k1", "query.token": "k2"}))
    keys.define({"Path": "/keyed", "Headers": {"X-Version": "3"}}).run()
    assert columns(keys.tables()["keyed"]) == [("a", "int"), ("version", "string")]
    wrong = ApiCrawl(crawl.tenon).connect(api.url, custom(bearer="wrong"))
    last = wrong.define({"Path": "/keyed"}).run("FAILED")
    assert "/v1/keyed, page 1: the API refuses the login" in last["ErrorMessage"]


def test_connections_are_tried_out(crawl, api):
    answers = {"status": 404}
    api.routes["/v1"] = lambda _: (answers["status"], {}, "")
    crawl.connect(api.url, custom(bearer=SECRET))
    crawl.glue.test_connection(ConnectionName=crawl.connection)
    assert api.seen[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert "LastConnectionValidationTime" in crawl.glue.get_connection(Name=crawl.connection)["Connection"]
    answers["status"] = 401
    with pytest.raises(botocore.exceptions.ClientError, match="refuses the login"):
        crawl.glue.test_connection(ConnectionName=crawl.connection)
    for url, word in [("http://127.0.0.1:1", "cannot reach"), ("http://169.254.169.254", "link-local")]:
        given = {"ConnectionType": "CUSTOM", "ConnectionProperties": {"CONNECTION_URL": url}}
        with pytest.raises(botocore.exceptions.ClientError, match=word):
            crawl.glue.test_connection(TestConnectionInput=given)


def test_bounds_are_told(crawl, api):
    api.routes["/v1/events"] = lambda request: (200, {}, [{"n": int(request.query["offset"])}])
    paging = {"Type": "OFFSET", "Parameter": "offset", "Size": 1, "SizeParameter": "limit"}
    crawl.connect(api.url).define({"Path": "/events", "Paging": paging, "MaxPages": 4}).run()
    table = crawl.tables()["events"]
    assert (table["Parameters"]["recordCount"], table["Parameters"]["apiStoppedAt"]) == ("4", "MaxPages = 4")
    assert "reading ended at MaxPages = 4" in crawl.log()
    assert [request.query for request in api.seen][:2] == [{"offset": "0", "limit": "1"}, {"limit": "1", "offset": "1"}]


def test_bad_replies_are_named_and_the_others_go_on(crawl, api):
    page2 = {"cut": '{"items": [{"a"', "html": "<!doctype html>"}
    api.routes.update({
        "/v1/good": lambda _: (200, {}, [{"a": 1}]),
        "/v1/cut": lambda r: (200, {}, page2["cut"] if r.query else {"items": [{"a": 1}], "next": "?p=2"}),
        "/v1/html": lambda r: (200, {}, page2["html"] if r.query else {"items": [{"a": 1}], "next": "?p=2"}),
        "/v1/round": lambda _: (200, {}, {"items": [{"a": 1}], "next": "/v1/round"}),
        "/v1/breaks": lambda _: (200, {"Content-Length": "99"}, [{"a": 1}]),
        "/v1/none": lambda _: (200, {}, []),
    })
    crawl.put("orders/a.csv", "id,amount\n1,2.5\n2,3\n")
    paged = {"RecordPath": "items", "Paging": {"Type": "NEXT_LINK", "Path": "next"}}
    crawl.connect(api.url)
    targets = [{"Path": f"/{path}", **paged} for path in ("cut", "html", "round")]
    targets += [{"Path": "/breaks"}, {"Path": "/none"}, {"Path": "/missing"}, {"Path": "/good"}]
    crawl.define(*targets, s3=[f"s3://{crawl.bucket}/orders/"])
    preview = json.loads(crawl.tenon.cli("crawl", crawl.name, "--dry-run", "--json", check=False).stdout)
    assert {table["Name"] for table in preview["Tables"]} == {"good", "orders"}
    message = crawl.run("FAILED")["ErrorMessage"]
    for word in [
        "/v1/cut, page 2: the JSON is cut short", "/v1/html, page 2: the reply is a page of HTML",
        "/v1/round, page 2: paging goes round", "/v1/breaks, page 1: the reply of", "no records",
        "/v1/missing, page 1: there is nothing (status 404)",
    ]:
        assert word in message and word in crawl.log(), (word, message)
    assert set(crawl.tables()) == {"good", "orders"}
    api.routes["/v1/good"] = lambda _: (500, {}, "")
    assert "status 500" in crawl.run("FAILED")["ErrorMessage"]
    assert "DEPRECATED_BY_CRAWLER" not in crawl.tables()["good"]["Parameters"]


def test_credentials_go_nowhere_else(crawl, api):
    other = Api()
    other.routes["/v1/orders"] = lambda _: (200, {}, [{"a": 1}])
    api.routes["/v1/orders"] = lambda _: (302, {"Location": f"{other.url}/orders"}, "")
    api.routes["/v1/linked"] = lambda _: (200, {}, {"items": [{"a": 1}], "next": f"{other.url}/orders"})
    crawl.connect(api.url, custom(**{"bearer": SECRET, "header.X-Key": SECRET, "query.key": SECRET}))
    paged = {"RecordPath": "items", "Paging": {"Type": "NEXT_LINK", "Path": "next"}}
    crawl.define({"Path": "/orders"}, {"Path": "/linked", **paged})
    last = crawl.run("FAILED")
    assert "/linked" not in "".join(crawl.tables()) and set(crawl.tables()) == {"orders"}
    assert "on another host" in last["ErrorMessage"]
    assert len(other.seen) == 1, "the redirect was followed, the next page was not"
    assert SECRET not in other.seen[0].path + str(other.seen[0].headers)
    assert SECRET in api.seen[0].path and SECRET in str(api.seen[0].headers)
    other.stop()
    assert SECRET not in crawl.log() + last["ErrorMessage"] + crawl.tenon.log.read_text()


def test_metadata_services_are_out_of_reach(crawl):
    for host in ("169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"):
        one = ApiCrawl(crawl.tenon).connect(f"http://{host}/latest")
        assert "no request goes to" in one.define({"Path": "/meta-data"}).run("FAILED")["ErrorMessage"]


def certified(folder):
    """A context for a server at 127.0.0.1, and the file with the certificate of the authority that vouches for it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in ("authority", "server")]
    extensions = [
        x509.BasicConstraints(ca=True, path_length=None),
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
    ]
    pems = [
        x509.CertificateBuilder().subject_name(who).issuer_name(names[0]).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(extension, critical=False).sign(keys[0], hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        for who, key, extension in zip(names, keys, extensions)
    ]
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(pems[0])
    (folder / "server.pem").write_bytes(pems[1] + private)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem")
    return tls, str(folder / "authority.pem")


def test_tls_is_checked(tenon_factory, tmp_path):
    tls, authority = certified(tmp_path)
    api = Api(tls)
    api.routes["/v1/orders"] = lambda _: (200, {}, [{"a": 1}])
    url = api.url.replace("http:", "https:")
    for environment, status in [({"SSL_CERT_FILE": authority}, "SUCCEEDED"), ({}, "FAILED")]:
        crawl = ApiCrawl(tenon_factory(environment=environment).start()).connect(url)
        last = crawl.define({"Path": "/orders"}).run(status)
    assert "certificate" in last["ErrorMessage"], last
    api.stop()


def test_on_a_network_this_machine_is_out_of_reach(tenon_factory, api):
    keys = {"TENON_KEYS": "test:test"}
    server = tenon_factory("--set", "auth=sigv4", "--set", "listen=0.0.0.0:0", environment=keys).start()
    server.endpoint = f"http://127.0.0.1:{server.port}"
    api.routes["/v1/orders"] = lambda _: (200, {}, [{"a": 1}])
    crawl = ApiCrawl(server).connect(api.url)
    assert "this machine itself" in crawl.define({"Path": "/orders"}).run("FAILED")["ErrorMessage"]


def test_definitions_are_checked(crawl, api):
    crawl.connect(api.url)
    for target, word in [
        ({"Pth": "x"}, "ApiTargets.*Pth"), ({"RecordPath": "a[1]"}, "RecordPath"), ({"MaxPages": 0}, "MaxPages"),
        ({"Headers": {"Authorization": "x"}}, "seals it"), ({"Paging": {"Type": "MAGIC"}}, "MAGIC"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError, match=word):
            crawl.define({"Path": "/x", **target})
    with pytest.raises(botocore.exceptions.ClientError, match="twice"):
        crawl.define({"Path": "/x"}, {"Path": "/x", "TableName": "y"})
    with pytest.raises(botocore.exceptions.ClientError, match="At least one target"):
        crawl.define()
    crawl.define({"Path": "/x"})
    crawl.glue.delete_connection(ConnectionName=crawl.connection)
    assert f"Connection {crawl.connection} not found" in crawl.run("FAILED")["ErrorMessage"]
