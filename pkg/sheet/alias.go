package sheet

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// aliases are the headers known for each field, squashed: in English, German, French, Spanish and Portuguese. Words that
// are as often the title of an assessment, the number of a candidate or somebody else's address are left out: a guess
// there would be a wrong invitation.
var aliases = map[Field][]string{
	Name: {
		"name", "fullname", "candidatename", "candidatefullname", "applicantname", "studentname", "participantname", "employeename",
		"displayname", "yourname", "firstandlastname", "firstnamelastname", "nameofcandidate", "nameofthecandidate",
		"vollername", "vollstandigername", "vollstaendigername", "vorundnachname", "vornameundnachname", "vornamenachname",
		"kandidatenname", "bewerbername", "teilnehmername", "namedeskandidaten", "namederkandidatin", "namedesbewerbers", "namederbewerberin",
		"nom", "nomcomplet", "nomducandidat", "nometprenom", "prenometnom", "prenomnom", "nomprenom",
		"nombre", "nombres", "nombrecompleto", "nombreyapellido", "nombreyapellidos", "nombresyapellidos", "apellidosynombre", "apellidosynombres", "apellidoynombre", "nombredelcandidato",
		"nome", "nomecompleto", "nomedocandidato", "nomedacandidata", "nomeesobrenome", "nomeeapelido",
	},
	FirstName: {
		"firstname", "firstnames", "namefirst", "givenname", "givennames", "forename", "forenames", "fname", "candidatefirstname",
		"vorname", "vornamen", "prenom", "prenoms", "primernombre", "primeironome", "nomeproprio",
	},
	LastName: {
		"lastname", "lastnames", "namelast", "surname", "familyname", "lname", "candidatelastname",
		"nachname", "familienname", "zuname", "nomdefamille", "apellido", "apellidos", "primerapellido", "1erapellido",
		"apellido1", "apellidopaterno", "cognome", "sobrenome", "ultimonome", "apelido", "apelidos",
	},
	SecondName: {"secondlastname", "secondsurname", "segundoapellido", "2doapellido", "2oapellido", "apellido2", "apellidomaterno"},
	Email: {
		"email", "mail", "emailaddress", "mailaddress", "emailid", "mailid", "candidateemail", "candidateemailaddress", "candidateemailid", "primaryemail",
		"candidatemail", "applicantemail", "applicantemailaddress", "studentemail", "studentemailaddress", "participantemail",
		"participantemailaddress", "employeeemail", "youremail", "youremailaddress",
		"emailadresse", "mailadresse", "emaildesbewerbers", "emaildeskandidaten", "kandidatenemail", "bewerberemail", "teilnehmeremail",
		"courriel", "adressecourriel", "adresseemail", "adressemail", "adresseelectronique", "courrielducandidat", "emailducandidat",
		"correo", "correoelectronico", "direcciondecorreo", "direcciondecorreoelectronico", "direcciondeemail", "direccionemail",
		"emaildelcandidato", "correodelcandidato", "correoelectronicodelcandidato",
		"correioeletronico", "correioelectronico", "enderecodeemail", "enderecoeletronico", "enderecoelectronico",
		"enderecodecorreioeletronico", "emaildocandidato", "emaildacandidata",
	},
	AssessmentID: {
		"assessmentid", "testid", "inviteassessmentid", "idoftheassessment", "assessmentnumber", "assessmentno", "testnumber", "idtest",
		"assessmentkennung", "testkennung", "assessmentnummer", "assessmentnr", "testnummer", "testnr",
		"iddutest", "iddelevaluation", "idevaluation", "iddelaprueba", "idprueba", "iddelaevaluacion", "idevaluacion", "iddeltest",
		"iddaavaliacao", "idavaliacao", "iddoteste", "idteste",
	},
	Format: {
		"format", "inviteformat", "invitationformat", "invitetype", "invitationtype",
		"einladungsformat", "einladungsart", "formatdinvitation", "typedinvitation", "formato", "formatodeinvitacion",
		"formatodelainvitacion", "tipodeinvitacion", "formatodoconvite", "formatodeconvite", "tipodeconvite",
	},
	Expires: {
		"expires", "expiresat", "expireson", "expiry", "expirydate", "expiration", "expirationdate", "inviteexpires",
		"inviteexpiry", "deadline", "validuntil", "validtill", "validthrough", "duedate", "linkexpires", "completeby",
		"ablaufdatum", "verfallsdatum", "verfalldatum", "ablauf", "lauftabam", "gultigbis", "gueltigbis", "frist", "falligam", "faelligam",
		"datedexpiration", "dateexpiration", "expirele", "datelimite", "datelimitedepassage", "datedecheance", "echeance", "datedefindevalidite", "valablejusquau",
		"fechadecaducidad", "fechacaducidad", "caducidad", "caduca", "vence", "fechadevencimiento", "fechavencimiento", "vencimiento",
		"fechadeexpiracion", "fechaexpiracion", "expiracion", "fechalimite", "validohasta",
		"datadevalidade", "validade", "datadeexpiracao", "dataexpiracao", "expiracao", "expiraem", "prazo", "datadevencimento", "vencimento",
		"datalimite", "validoate",
	},
	Link: {
		"link", "invitelink", "invitationlink", "assessmentlink", "testlink", "url", "inviteurl",
		"einladungslink", "lien", "liendinvitation", "enlace", "enlacedeinvitacion", "linkdoconvite",
	},
	InvitedAt: {
		"invitedat", "invitedon", "inviteat", "invitedate", "invitationdate", "sentat", "senton", "date",
		"eingeladenam", "einladungsdatum", "datedinvitation", "fechadeinvitacion", "datadoconvite",
	},
}

// halves are aliases of a whole name that are a part of one beside a column of the other part.
var halves = map[string]Field{"nom": LastName, "nombre": FirstName, "nombres": FirstName, "nome": FirstName}

// folds are letters that do not come apart into a plain one and its accent.
var folds = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// squash leaves what counts of a header: its letters and digits, in lower case and without accents.
func squash(s string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1 // accents too, which the normal form sets apart
	}, norm.NFKD.String(s))
	return folds.Replace(plain)
}

// What stands in brackets behind a header may say nothing of whose it is, by contrast with "Email (manager)", nor of another
// zone, as in "Expires (UTC+2)": some words, the pattern of a date, and an example.
var (
	remarks = []string{
		"utc", "gmt", "required", "mandatory", "optional", "number", "numeric", "getlink", "sendlink", "or",
		"pflichtfeld", "pflicht", "erforderlich", "obligatoire", "facultatif", "obligatorio", "requerido", "opcional", "obrigatorio",
	}
	zone        = regexp.MustCompile(`(?i)(utc|gmt)\s*[^\s,;)/]`)
	patternPart = regexp.MustCompile(`^(dd+|tt+|mm+|yy+|jj+|aa+|hh+|ss+)$`)
	example     = regexp.MustCompile(`\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4}`)
	ofExamples  = regexp.MustCompile(`^(\d+|e|g|eg|ex|z|b|zb|am|pm)$`)
)

// word is what a header is known by: without such a remark.
func word(label string) string {
	bare, remark := cutRemark(label)
	if zone.MatchString(remark) {
		return squash(label)
	}
	pattern, examples := false, example.MatchString(remark)
	for _, part := range strings.FieldsFunc(remark, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		switch part = squash(part); {
		case slices.Contains(remarks, part):
		case patternPart.MatchString(part):
			pattern = true
		case examples && ofExamples.MatchString(part), pattern && (part == "am" || part == "pm"):
		default:
			return squash(label)
		}
	}
	return squash(bare)
}

// cutRemark takes what stands in brackets off the end of a header.
func cutRemark(label string) (bare, remark string) {
	at := strings.LastIndexAny(label, "([")
	if at <= 0 || !strings.HasSuffix(label, string(")]"[strings.IndexByte("([", label[at])])) {
		return label, ""
	}
	return label[:at], label[at+1 : len(label)-1]
}

// doubtful gives the columns that would be a field's but for a remark that may say that they are not.
func (h *header) doubtful(f Field) []int {
	return slices.DeleteFunc(h.unread(), func(i int) bool {
		bare, remark := cutRemark(h.labels[i])
		return remark == "" || !slices.Contains(aliases[f], squash(bare))
	})
}

// candidates gives the columns that have an alias of a field and that the user has not given to another one.
func (h *header) candidates(f Field) []int {
	taken := map[int]bool{}
	for other, i := range h.columns {
		taken[i] = other != f
	}
	var found []int
	for i, label := range h.labels {
		part, halved := h.halved[i]
		if !taken[i] && label != "" && (part == f || !halved && slices.Contains(aliases[f], word(label))) {
			found = append(found, i)
		}
	}
	return found
}

// halve finds the columns whose word is a part of a name because the other part has a column and this one has none:
// "Nom" is the last name beside "Prénom", and else the whole one.
func (h *header) halve() {
	has := func(f Field) bool {
		_, mapped := h.columns[f]
		return mapped || len(h.candidates(f)) > 0
	}
	first, last := has(FirstName), has(LastName)
	h.halved = map[int]Field{}
	for i, label := range h.labels {
		switch part := halves[word(label)]; {
		case part == LastName && first && !last, part == FirstName && last && !first:
			h.halved[i] = part
		}
	}
}
