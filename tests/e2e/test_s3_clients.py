"""S3 through other people's clients: AWS CLI, s3fs, pyarrow, polars."""

import os
import pathlib
import subprocess
import sys

import pytest

MIB = 1 << 20


def aws(tenon, *arguments, check=True):
    command = [str(pathlib.Path(sys.executable).parent / "aws"), *arguments]
    done = subprocess.run(command, env=tenon.environ(), capture_output=True, text=True)
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def bucket(tenon):
    return tenon.bucket()


def test_cli(tenon, bucket, tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub dir").mkdir(parents=True)
    (tree / "a.txt").write_text("alpha")
    (tree / "sub dir" / "ü.bin").write_bytes(os.urandom(9 * MIB))
    aws(tenon, "s3", "mb", f"s3://{bucket}-2")
    aws(tenon, "s3", "sync", str(tree), f"s3://{bucket}-2/t/")
    listing = aws(tenon, "s3", "ls", "--recursive", f"s3://{bucket}-2").stdout
    assert "t/a.txt" in listing and "t/sub dir/ü.bin" in listing
    assert "PRE t/" in aws(tenon, "s3", "ls", f"s3://{bucket}-2").stdout
    assert "upload" not in aws(tenon, "s3", "sync", str(tree), f"s3://{bucket}-2/t/").stdout
    aws(tenon, "s3", "cp", "--recursive", f"s3://{bucket}-2/t/", f"s3://{bucket}/copy/")
    back = tmp_path / "back"
    aws(tenon, "s3", "sync", f"s3://{bucket}/copy/", str(back))
    assert (back / "sub dir" / "ü.bin").read_bytes() == (tree / "sub dir" / "ü.bin").read_bytes()
    aws(tenon, "s3", "mv", f"s3://{bucket}/copy/a.txt", f"s3://{bucket}/moved.txt")
    assert aws(tenon, "s3", "cp", f"s3://{bucket}/moved.txt", "-").stdout == "alpha"
    failed = aws(tenon, "s3", "rb", f"s3://{bucket}", check=False)
    assert failed.returncode != 0 and "BucketNotEmpty" in failed.stderr
    for one in [bucket, f"{bucket}-2"]:
        aws(tenon, "s3", "rm", "--recursive", f"s3://{one}")
        aws(tenon, "s3", "rb", f"s3://{one}")
    missing = aws(tenon, "s3api", "head-object", "--bucket", bucket, "--key", "x", check=False)
    assert missing.returncode != 0


def test_s3fs(tenon, bucket):
    import s3fs
    files = s3fs.S3FileSystem(
        key="test", secret="test", endpoint_url=tenon.endpoint, client_kwargs={"region_name": "us-east-1"}, skip_instance_cache=True
    )
    data = os.urandom(11 * MIB)
    with files.open(f"{bucket}/dir/big", "wb", block_size=5 * MIB) as out:
        out.write(data)
    with files.open(f"{bucket}/dir/small", "w") as out:
        out.write("text")
    assert files.cat(f"{bucket}/dir/big") == data
    with files.open(f"{bucket}/dir/big", "rb") as source:
        source.seek(6 * MIB)
        assert source.read(100) == data[6 * MIB : 6 * MIB + 100]
    assert sorted(files.ls(f"{bucket}/dir")) == [f"{bucket}/dir/big", f"{bucket}/dir/small"]
    assert sorted(files.find(bucket)) == [f"{bucket}/dir/big", f"{bucket}/dir/small"]
    files.copy(f"{bucket}/dir/small", f"{bucket}/dir/copy")
    files.mv(f"{bucket}/dir/copy", f"{bucket}/dir/moved")
    assert files.cat(f"{bucket}/dir/moved") == b"text"
    files.rm(f"{bucket}/dir", recursive=True)
    assert files.find(bucket) == []


def test_pyarrow(tenon, bucket):
    import pyarrow.fs as fs
    import pyarrow as pa
    import pyarrow.dataset as ds

    files = fs.S3FileSystem(
        access_key="test", secret_key="test", region="us-east-1", scheme="http", endpoint_override=tenon.endpoint.removeprefix("http://")
    )
    table = pa.table({"day": ["a", "a", "b"] * 1000, "n": list(range(3000))})
    ds.write_dataset(table, f"{bucket}/t", filesystem=files, format="parquet", partitioning=["day"], partitioning_flavor="hive")
    found = ds.dataset(f"{bucket}/t", filesystem=files, partitioning="hive").to_table(filter=ds.field("day") == "b")
    assert found.num_rows == 1000
    assert found["n"].to_pylist()[:2] == [2, 5]
    data = os.urandom(12 * MIB)
    with files.open_output_stream(f"{bucket}/big") as out:
        out.write(data)
    with files.open_input_file(f"{bucket}/big") as source:
        assert source.read_at(10, 7 * MIB) == data[7 * MIB : 7 * MIB + 10]
    files.delete_dir(f"{bucket}/t")
    assert [entry.path for entry in files.get_file_info(fs.FileSelector(bucket, recursive=True))] == [f"{bucket}/big"]


def test_polars(tenon, bucket):
    import polars
    options = {
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
        "aws_endpoint_url": tenon.endpoint,
        "aws_allow_http": "true",
    }
    frame = polars.DataFrame({"n": range(1000)})
    frame.write_parquet(f"s3://{bucket}/p/a.parquet", storage_options=options)
    found = polars.scan_parquet(f"s3://{bucket}/p/*.parquet", storage_options=options).collect()
    assert found.equals(frame)
