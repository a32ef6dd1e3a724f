# Shows a results file as text, a row a line: awk -f samples/show.awk candidates.results.csv
# Cells may hold commas and quotes, but here no line breaks.

function split_row(line, cells,    n, cell) {
    n = 0
    line = line ","
    while (match(line, /^("([^"]|"")*"|[^,]*),/)) {
        cell = substr(line, 1, RLENGTH - 1)
        line = substr(line, RLENGTH + 1)
        if (cell ~ /^"/) {
            cell = substr(cell, 2, length(cell) - 2)
            gsub(/""/, "\"", cell)
        }
        cells[++n] = cell
    }
    return n
}

NR == 1 {
    n = split_row($0, names)
    for (i = 1; i <= n; i++) column[names[i]] = i
    next
}

{
    split_row($0, cells)
    link = cells[column["invite_link"]]
    error = cells[column["invite_error"]]
    name = cells[1] == "" ? "(no name)" : cells[1]
    printf "%-16s %s: %s%s%s\n", cells[column["invite_status"]], name, link, (link != "" && error != "") ? ", " : "", error
}
