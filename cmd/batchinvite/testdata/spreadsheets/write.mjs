// Writes candidate files with the libraries that many tools write theirs with: write.mjs FOLDER
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Excel from "exceljs";
import XLSX from "xlsx";

const folder = process.argv[2];
const header = ["Full name", "E-mail", "Assessment ID", "Invite format", "Valid until", "Ref"];

// fill makes a sheet of people behind two that nobody sees. Its dates look different in every row.
function fill(book) {
  const day = new Date(Date.UTC(2091, 11, 31));
  const evening = new Date(Date.UTC(2091, 11, 31, 18, 30));
  book.addWorksheet("Lists", { state: "veryHidden" }).addRow(["getlink", "sendlink"]);
  const old = book.addWorksheet("Old", { state: "hidden" });
  old.addRow(header);
  old.addRow(["Olaf Old", "olaf@example.org", 1, "getlink"]);
  const people = book.addWorksheet("People");
  for (const row of [
    [],
    header,
    ["Ann Lee", { text: "ann@example.org", hyperlink: "mailto:ann@example.org" }, 4711, "getlink", day, "007"],
    ["Bo Ray", { richText: [{ text: "bo@" }, { text: "example.org", font: { bold: true } }] }, "4711", "getlink", evening, 7],
    ["Cy Dee", { text: "write to Cy", hyperlink: "mailto:cy@example.org" }, 4711, "getlink", day, true],
    [{ formula: 'A3&"!"', result: "Di Eve" }, { formula: 'LOWER("DI@EXAMPLE.ORG")', result: "di@example.org" },
      { formula: "4700+11", result: 4711 }, "getlink", { formula: "E3", result: day }, { error: "#N/A" }],
    ['Ed <b> & "Fay"', "ed@example.org", { formula: "1/0", result: { error: "#DIV/0!" } }, "getlink", null, "=1+1"],
    [],
    ["  Zoë  ", "\u00a0zoe@example.org\u200b", 4711.0, "GetLink", "31/12/2091", "\ud83d\ude00\nline"],
  ]) people.addRow(row);
  const formats = ["dd.mm.yyyy", "m/d/yy h:mm AM/PM", '[$-409]dddd, "the" d mmmm', "yyyy\\-mm\\-dd;@"];
  formats.forEach((format, i) => { people.getCell(3 + i, 5).numFmt = format; });
}

for (const [name, date1904] of [["exceljs.xlsx", false], ["exceljs-1904.xlsx", true]]) {
  const book = new Excel.Workbook();
  book.properties.date1904 = date1904;
  fill(book);
  await book.xlsx.writeFile(join(folder, name));
}
const stream = new Excel.stream.xlsx.WorkbookWriter({ filename: join(folder, "exceljs-stream.xlsx"), useStyles: true, useSharedStrings: false });
fill(stream);
await stream.commit();

const sheet = XLSX.utils.aoa_to_sheet([
  header,
  ["Ann Lee", "ann@example.org", 4711, "getlink", "2091-12-31", "007"],
  ['Zoë; "the"\nRay', "zoe@example.org", 4711, "getlink", "2091-12-31 18:30", "=1+1"],
]);
const book = XLSX.utils.book_new();
XLSX.utils.book_append_sheet(book, sheet, "People");
const types = { xlsx: "xlsx", xlsb: "xlsb", biff8: "xls", biff2: "2.xls", xlml: "xml", fods: "fods", html: "html.xls", csv: "csv", txt: "txt", rtf: "rtf" };
for (const [type, ending] of Object.entries(types)) {
  writeFileSync(join(folder, "sheetjs." + ending), XLSX.write(book, { type: "buffer", bookType: type, compression: true }));
}
writeFileSync(join(folder, "sheetjs-semicolons.csv"), XLSX.utils.sheet_to_csv(sheet, { FS: ";", RS: "\r\n" }));
