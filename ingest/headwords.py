"""Words of headers that say something about the name beside them, folded; English, Portuguese, Spanish, German."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


AHEAD = re.compile(r"[a-z]?\d+|[a-z]|col|column|field|campo|coluna|columna|var")  # before a name, in exports
AROUND = _words("""
    required optional mandatory obrigatorio obligatorio opcional requerido pflichtfeld please specify
    what which is qual seu sua cual es tu su wie ihr
""")  # it, in forms
OF = _words("""
    of de do da dos das del for per por para in en em no na
""")
NEUTRAL = _words("""
    name nome nombre code codigo title titulo
""")  # before an "of": the name of …
SYSTEMS = _words("""
    emp job data dados datos hr rh user record row the your my current
""")  # before it: what a system puts there
OTHER = _words("""
    id size type number count years age url link website site email phone rating ratio tamano tamanho
    porte tipo numero quantidade cantidad anos edad idade telefono telefone nota min minimum minimo
    minima previous anterior former expected desired expectativa pretensao wunsch satisfaction benefits
    ex last ultimo ultima letzter letztes letzte fruherer competitor deseado desejado home origin origem
    origen increase aumento commission revenue closing cierre encerramento end ende expiry lider
    vorgesetzten percentile education birth nascimento nacimiento natal geburts nationality nacionalidad
    nacionalidade staatsangehorigkeit citizenship termination demissao baja austritts deadline update
    updated modified founded headquarters manager gestor jefe boss supervisor limite egreso desligamento
    aniversario geburt nationalitat bewerbungs vertrags bonus bono tax taxes impuesto impuestos overtime
    insurance ingles english
""")  # what makes a name something else
ALSO_AHEAD = tuple(word for word in OTHER if len(word) > 5)  # of a longer word: "Geburtsdatum"
SCALES = _words("""
    thousand thousands k tsd teur milhares miles million millions mio milhoes millones lakh lakhs lpa
""")  # of amounts that are not written out
