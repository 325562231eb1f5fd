"""What files call the columns of pay data, beyond their names and labels: English, Portuguese, Spanish, German."""

_NAMES: dict[str, tuple[str, ...]] = {
    "title": (
        "job title;position;role;job;job name;occupation;designation;current title;current role"
        ";job role;job position;your job;professional title;position title;vacancy;vacancy title"
        ";post title",
        "cargo atual;nome do cargo;título do cargo;função atual;nome da vaga;cargo;título"
        ";título da vaga;vaga;função;profissão;ocupação;posição;título do anúncio;título profissional"
        ";nome da posição",
        "cargo actual;puesto de trabajo;nombre del puesto;oficio;puesto;título del puesto;posición;rol"
        ";ocupación;profesión;empleo;vacante;denominación del puesto;título profesional"
        ";nombre de la vacante;título del puesto",
        "Stellenbezeichnung;Berufsbezeichnung;Jobtitel;Jobbezeichnung;Beruf;Stelle;Stellentitel"
        ";Titel der Stelle;Tätigkeit;Position;Funktion;Rolle;Berufstitel;Stellenname;Aktuelle Position"
        ";Berufliche Position",
    ),
    "salary": (
        "pay;compensation;wage;income;base salary;annual salary;salary min;total compensation"
        ";remuneration;earnings;gross salary;salary amount;salary from;min salary;base pay;gross pay"
        ";annual pay;comp;net salary;pay rate;salary estimate;minimum salary;current salary"
        ";salary offered;base;base comp;yearly salary;monthly salary;hourly rate;hourly wage"
        ";annual income",
        "salário mensal;salário anual;remuneração bruta;salário líquido;sal;vencimento;vencimentos"
        ";salário;remuneração;pagamento;salário bruto;salário base;faixa salarial;salário oferecido"
        ";salário atual;valor do salário;salário mínimo;renda;renda mensal;ordenado",
        "sueldo bruto;sueldo base;salario anual;salario mensual;retribución;sueldo neto;salario;sueldo"
        ";remuneración;pago;paga;salario bruto;ingreso;compensación;salario ofrecido;salario ofertado"
        ";salario actual;sueldo actual;salario mínimo;sueldo mínimo;sueldo mensual;ingresos"
        ";ingresos anuales",
        "Gehalt;Jahresgehalt;Monatsgehalt;Bruttogehalt;Bruttojahresgehalt;Bruttomonatsgehalt"
        ";Jahresbruttogehalt;Jahresbrutto;Vergütung;Lohn;Stundenlohn;Monatslohn;Jahreslohn;Bruttolohn"
        ";Entgelt;Grundgehalt;Einkommen;Gehalt ab;Gehalt von;Mindestgehalt;Gehaltsspanne;Stundensatz"
        ";Tagessatz;Verdienst;Jahreseinkommen;Aktuelles Gehalt",
    ),
    "currency": (
        "salary currency;currency code;pay currency;ccy;curr;currency type",
        "moeda;moeda do salário;tipo de moeda",
        "divisa;moneda;moneda del salario;tipo de moneda",
        "Währung;Währungscode;Gehaltswährung",
    ),
    "country": (
        "company location;location country;country code;nation;job country;company country"
        ";employee residence;location;work country;country of work",
        "país;pais;localização;país da empresa;país de trabalho;país de atuação",
        "ubicación;país de la empresa;país de trabajo",
        "Land;Staat;Ländercode;Arbeitsland;Standort;Land des Arbeitgebers;Standort Land"
        ";Beschäftigungsland;Land der Beschäftigung",
    ),
    "seniority": (
        "experience level;level;experience;seniority level;job level;grade;career level;professional level",
        "nível profissional;senioridade;nível;nível de experiência;experiência;nível hierárquico",
        "nivel profesional;antigüedad;nivel;nivel de experiencia;experiencia;señority"
        ";categoría profesional;rango",
        "Seniorität;Karrierestufe;Karrierelevel;Erfahrungsstufe;Erfahrungslevel;Erfahrung"
        ";Senioritätsstufe;Stufe",
    ),
    "stack": (
        "tech stack;technologies;skills;technology;tools;programming languages;skill set;skillset"
        ";technical skills;tech;key skills",
        "conhecimentos;conhecimentos técnicos;tecnologias;habilidades;competências;ferramentas"
        ";linguagens de programação",
        "tecnologías;competencias;herramientas;conocimientos;lenguajes de programación",
        "Technologien;Kenntnisse;Fähigkeiten;Kompetenzen;Programmiersprachen;Werkzeuge;Fachkenntnisse",
    ),
    "period": (
        "pay period;salary period;salary frequency;frequency;pay frequency;per;pay basis;salary basis"
        ";pay interval;payment frequency;paid per;salary type;salary unit;rate type;salary interval"
        ";pay schedule",
        "período;periodicidade;frequência",
        "periodo;periodicidad;frecuencia",
        "Zeitraum;Gehaltszeitraum;Abrechnungszeitraum;Zahlweise;Zahlungsrhythmus;Gehaltsperiode;Zeiteinheit",
    ),
    "salary_max": (
        "max salary;salary to;maximum salary;pay max;upper salary;salary high;max compensation"
        ";upper limit;salary range max;top salary;wage max;top of range;maximum pay;highest salary"
        ";salary upper bound;salary upper limit",
        "remuneração máxima;remuneração até;teto salarial;faixa máxima;salário máximo;salário até"
        ";salário máx;valor máximo do salário;limite superior do salário;limite superior",
        "remuneración máxima;tope salarial;retribución máxima;rango máximo;salario máximo;salario hasta"
        ";sueldo máximo;sueldo hasta;salario tope;límite superior;límite superior del salario",
        "Maximalgehalt;Höchstgehalt;Gehalt bis;Gehalt max;Gehalt maximal;maximales Gehalt"
        ";Gehaltsobergrenze;Obergrenze Gehalt;maximales Jahresgehalt",
    ),
    "company": (
        "company name;employer;organization;organisation;employer name;firm;business",
        "organização;empresa contratante;companhia;empresa;empregador;nome da empresa",
        "organización;empleador;nombre de la empresa;compañía;razón social",
        "Unternehmen;Firma;Arbeitgeber;Firmenname;Unternehmensname;Name des Arbeitgebers;Betrieb"
        ";Aktueller Arbeitgeber;Name der Firma",
    ),
    "city": (
        "town;metro;job city;work city",
        "cidade;município;localidade",
        "ciudad;municipio;localidad;población",
        "Stadt;Ort;Arbeitsort;Dienstort;Stadt Ort;Arbeitsstadt",
    ),
    "date": (
        "day;work year;year;posted;posted at;date posted;reported at;timestamp;posting date;posted on"
        ";published;published on;report date;survey date;created at;date added;response date"
        ";survey timestamp",
        "publicado em;data de publicação;data de referência;data;ano;dia;data da vaga;publicada em"
        ";data da pesquisa",
        "publicado el;fecha de alta;fecha;año;día;fecha de publicación;marca temporal"
        ";fecha de la encuesta;publicada el",
        "Datum;Jahr;Veröffentlicht am;Veröffentlichungsdatum;Ausschreibungsdatum;Erhebungsdatum"
        ";Stichtag;Erstellt am;Tag",
    ),
}


def called(column: str) -> tuple[str, ...]:
    """What a column of pay data may be called, the likeliest first in each language."""
    return tuple(name for names in _NAMES[column] for name in names.split(";"))
