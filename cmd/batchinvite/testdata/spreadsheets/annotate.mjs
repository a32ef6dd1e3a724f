// Works on a workbook as people do, with a column of notes in front, the rows upside down, a filter and an own colour:
// annotate.mjs FROM TO
import Excel from "exceljs";

const [from, to] = process.argv.slice(2);
const book = new Excel.Workbook();
await book.xlsx.readFile(from);
const sheet = book.worksheets[0];
const [header, ...rows] = sheet.getSheetValues().slice(1).map((row) => row.slice(1));
rows.reverse().forEach((row, i) => { sheet.getRow(2 + i).values = ["called " + i, ...row]; });
sheet.getRow(1).values = ["Our notes", ...header];
sheet.autoFilter = "A1:C1";
sheet.getRow(3).hidden = true;
sheet.getCell("A2").fill = { type: "pattern", pattern: "solid", fgColor: { argb: "FFFFFF00" } };
await book.xlsx.writeFile(to);
