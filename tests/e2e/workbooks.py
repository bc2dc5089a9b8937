"""Workbooks in every format: rows of values to bytes, with an empty sheet in front and a hidden one behind."""

import datetime as dt
import io
import struct
import zipfile

import odf.opendocument
import odf.style
import odf.table
import odf.text
import openpyxl
import xlwt

EPOCH = dt.datetime(1899, 12, 30)


def serial(value):
    """A moment or a duration as the number of days that it is in Excel."""
    if isinstance(value, dt.timedelta):
        return value / dt.timedelta(days=1)
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return (value - EPOCH) / dt.timedelta(days=1)


def pattern(value):
    """What a value is formatted with."""
    kinds = ((dt.datetime, "yyyy-mm-dd hh:mm:ss"), (dt.date, "yyyy-mm-dd"), (dt.timedelta, "[h]:mm:ss"))
    return next((code for kind, code in kinds if isinstance(value, kind)), "General")


def cells(rows, skip):
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is not None:
                yield r + skip, c, value


def xlsx(rows, title="Orders", skip=2):
    book = openpyxl.Workbook()
    book.active.title = "Empty"
    sheet = book.create_sheet(title)
    for r, c, value in cells(rows, skip):
        cell = sheet.cell(r + 1, c + 1, value)
        if isinstance(value, dt.timedelta):
            cell.number_format = pattern(value)
    hidden = book.create_sheet("Hidden")
    hidden["A1"], hidden.sheet_state = "hidden", "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls(rows, title="Orders", skip=2):
    book = xlwt.Workbook()
    book.add_sheet("Empty")
    sheet = book.add_sheet(title)
    for r, c, value in cells(rows, skip):
        style = xlwt.easyxf(num_format_str=pattern(value))
        sheet.write(r, c, serial(value) if isinstance(value, dt.timedelta) else value, style)
    hidden = book.add_sheet("Hidden")
    hidden.write(0, 0, "hidden")
    hidden.visibility = 1
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods_cell(value):
    if value is None:
        return odf.table.TableCell()
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, bool):
        cell = odf.table.TableCell(valuetype="boolean", booleanvalue=text)
    elif isinstance(value, (int, float)):
        cell = odf.table.TableCell(valuetype="float", value=text)
    elif isinstance(value, dt.timedelta):
        cell = odf.table.TableCell(valuetype="time", timevalue=f"PT{int(value.total_seconds())}S")
    elif isinstance(value, dt.date):
        cell = odf.table.TableCell(valuetype="date", datevalue=value.isoformat())
    else:
        cell = odf.table.TableCell(valuetype="string")
    cell.addElement(odf.text.P(text=text))
    return cell


def ods(rows, title="Orders", skip=2):
    book = odf.opendocument.OpenDocumentSpreadsheet()
    style = odf.style.Style(name="gone", family="table")
    style.addElement(odf.style.TableProperties(display="false"))
    book.automaticstyles.addElement(style)
    sheets = [("Empty", [], None), (title, [[None]] * skip + rows, None), ("Hidden", [["hidden"]], style)]
    for name, lines, look in sheets:
        table = odf.table.Table(name=name, **({"stylename": look} if look else {}))
        for line in lines:
            row = odf.table.TableRow()
            for value in line:
                row.addElement(ods_cell(value))
            table.addElement(row)
        book.spreadsheet.addElement(table)
    out = io.BytesIO()
    book.write(out)
    return out.getvalue()


def record(kind, *data):
    data = b"".join(data)
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size = len(data)
    while size > 127:
        head, size = head + bytes([size & 127 | 128]), size >> 7
    return head + bytes([size]) + data


def wide(text):
    return struct.pack("<I", len(text.encode("utf-16-le")) // 2) + text.encode("utf-16-le")


def xlsb_cell(column, value, formats):
    head = struct.pack("<II", column, formats.index(pattern(value)))
    if isinstance(value, bool):
        return record(4, head, bytes([value]))
    if isinstance(value, str):
        return record(6, head, wide(value))
    return record(5, head, struct.pack("<d", value if isinstance(value, (int, float)) else serial(value)))


def xlsb_sheet(rows, skip, formats):
    extent = struct.pack("<IIII", 0, len(rows) + skip, 0, max(map(len, rows), default=0))
    out = record(0x81) + record(0x94, extent) + record(0x91)
    for r, row in enumerate(rows):
        out += record(0, struct.pack("<I", r + skip), bytes(13))
        out += b"".join(xlsb_cell(c, value, formats) for c, value in enumerate(row) if value is not None)
    return out + record(0x92) + record(0x82)


def xlsb(rows, title="Orders", skip=2):
    """By hand, after [MS-XLSB]: there is no library that writes it."""
    formats = ["General", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "[h]:mm:ss"]
    ids = range(164, 164 + len(formats))
    styles = b"".join(record(0x2C, struct.pack("<H", n), wide(code)) for n, code in zip(ids, formats))
    styles = record(0x267, struct.pack("<I", len(formats))) + styles + record(0x268)
    styles += record(0x269, struct.pack("<I", len(formats))) + b"".join(record(0x2F, struct.pack("<HH", 0, n), bytes(12)) for n in ids)
    sheets = [("Empty", 0, []), (title, 0, rows), ("Hidden", 1, [["hidden"]])]
    listed = [("styles", "styles.bin")] + [("worksheet", f"worksheets/s{n}.bin") for n in range(3)]
    rels = "".join(f'<Relationship Id="r{n}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"'
                   f' Target="{target}"/>' for n, (kind, target) in enumerate(listed))
    book = b"".join(record(0x9C, struct.pack("<II", state, n + 1), wide(f"r{n + 1}"), wide(name))
                    for n, (name, state, _) in enumerate(sheets))
    parts = {"[Content_Types].xml": "<Types/>", "xl/workbook.bin": book + record(0x90) + record(0x84),
             "xl/styles.bin": styles + record(0x26A),
             "xl/_rels/workbook.bin.rels": f"<Relationships>{rels}</Relationships>"}
    for n, (_, _, lines) in enumerate(sheets):
        parts[f"xl/worksheets/s{n}.bin"] = xlsb_sheet(lines, skip, formats)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return out.getvalue()


WRITERS = {"xlsx": xlsx, "xls": xls, "xlsb": xlsb, "ods": ods}
