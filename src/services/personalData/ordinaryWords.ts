/** Words by which the rules for names tell a name from what is none. */

const set = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/).filter(Boolean));

/** Names that are other things at least as often: words, months, places, makes. Alone they are no finding. */
export const AMBIGUOUS_NAMES = set(`
  ace ada ah al alberta all ally alma alone alta alto alexa alexandria amber amen america amid among an and angel angela ani anise apple april arc arch argentina
  aria art arts as asia aspen at august austin autumn ave avis avril ba baby bahia ban bang bar bari baron barons bars bay beat beau beauty bee beer beg belle
  bell ben berg berlin berry best bethlehem beverly bill bills bird bishop black blaze bless blessing block bloom blue bo bon bond boston bourgeois brand brandy
  bravo brazil brick bridge bridges bright bristol brit brits bronze brook brooklyn brooks brown buck bud buddy burger burn burns bush butler butt ca call cam
  camp can candy cannon cap captain car carbon care carol carolina carter case cash castle catalina chad chan chance chapel charity charlotte chase chelsea
  cherry chester chin china christian church city clay clear cliff cloud co cody col cole colt coleman colombo come comfort conn constant cook cool cooper coral corral
  cost costa cotton country course court cousin coy craft crane cricket cross crystal cruz cuba cup cutter czech da daily daisy dakota dale dallas dam dan dane
  dang dare dash date dawn day days de dea deal dean dear dec deed deep deja del dell delta den denver desire destiny devin dew dexter diamond dickens dies
  diesel divine dixie do doc dock doll dolly don done dong door doran dover down dream drew dries drop du duck due dude duke dunes dusty each ea eagle ear earl
  early earnest east easter ease easy ed eden edge egypt el eli elle elm else ember emir en end england english ernest ethic ethics eva eve even ever every
  fair faith fall falls false fan fanny far farm fast fawn feather fee fem fen fern few field fields filipino fill fin final fine finn fir first fish five flag
  flash fleet flip flo floor flora florence florida flower fly ford forest fort forty forest foster fox france francisco franc frank free french friday frost full fun gail gal gale
  galaxy game garden gardens gate gates gay geese gem general genesis geneva genius george georgia german ghost gift gig ginger given glad glass glen glory go god
  gold golden gone good grace graham grand grant gray great greece green grey grill gross ground grove guadalupe guide gun guru guy ha hack hai hail hall ham
  hamilton han hand handy hang happy harbor hard hardy harmony harms has hash haven hawk hay haze hazel he head heart heath heather heaven heck heir help her
  here hero hi high hill hills him hit ho hog hold holder holiday holly holy home honey honor honour hop hope horn house houston how hudson hug human hung hunt hunter
  hy hyacinth i ice ida idea if ilk in inc india indiana indigo innocent int iris irish island israel it its ivory ivy jack jackson jade jail jam jamaica jan japan
  jasmine jasper java jay jazz jean jersey jet jewel job jobs jolie jordan journey joy judge jumbo june junior just justice kale kan kansas keen kelvin kenya key keys
  khan kick kid kim kin kind king kings kiss kit kite kitty knight know kong korea la lace lack lady lake lam lamb lamp lan lance land lane lap lara lark last lat
  laurel lavender law lawn lax lay le lea lean leaf lee legend lemon len leo leon leone leos let levy lewis lex lexus liberty lice lie lift light lily lima lime lin lincoln line ling
  link lion lira lisbon list lit little live lo loan logan london lone long look lord lot lotus louis love loyal luck lucky lumen luna lund luster lux ly lynx ma mac
  mace mad madison madrid mae mage magic maine major make malta mama man manila mann maple mar marble march mare margin maria's marine mark marks market marsh mars mason
  master mat mate mats matter maverick max maxim may maya me mead meadow mean mecca med media medina mein mel mellow melody memory memphis men menu mer mercedes mercy
  merit merry messiah messina mi miami midas milan mild mile miles mill miller mine mint miracle misses missouri mist misty mo mocks modest mon monaco monday money monroe
  montana moon moor more morgan morning moss most mount mountain moss much muse music my myrtle na nail name nan nap nash nat nature naval ne near neat neo nest new
  newton nice nick night nike nile nine nirvana no noble noel non nor norm north norway not nova now oak ocean october odd odessa of off oh ok okay old olive oman omega
  on one only onyx oops opal or oran orange orchid order orion oslo other otter our out own ox pa pace page paige paisley pal pale palm palmer pan panama paper par paradise paris
  park parker parson pass pat patch path patience patsy patty pax pay peace peak pearl peer pen pence penna pepper per peru petal pete petrol phoenix pia pie pier pike pilot pin pine pink
  pit pitt pity pius place pleasant plum pol pole polish pollen poly pond pony pool pop pope poppy porsche port porter portugal posh post pound pour power praise prato
  precious present presley price pride priest prim prima prime prince princess prize pro promise prosper proud prudence prune psalm pure quarry queen quest quick quill quiet quinn
  rabbit race rain raleigh ram ran randy range ranger raven ray re read real red reed reef regal regina reid rein reign remedy rent rex rhyme rice rich richmond rick ride ridge right
  rim ring rio rip rise rite river road rob robin rock rod rogue rolls roman rome ron room root rope rory rose rosemary rouge round row rowan rows royal ruby rule run rush
  russia rust rusty ruth rye sable sad saffron sage sahara said sailor saint sale sally salt sam san sand sandal sandy sang sanity santiago sap sapphire sat saturn savage savannah saw
  say scarlet school scott scout sea seal season see sep serene serenity server seven sever shade shadow shah share sharp shay she shell shepherd shine ship short show sierra silk silver sim simple
  sin since sincere singer sip sir sister sit six sky slam slate slot small smart smith snow so sol solo some son song sonny soon sorrel soul south spain spark sparrow spencer spies sport
  spring st stage standard star stark start state stella step sterling stern still stone storm story street strong su such sue sugar sultan summer sun sunday sunny sunshine super sur sure
  swallow swan sweet swift sydney ta tab table tad tail taj take tale talent tall tam tamer tan tang tank tap tar tart tat tate taylor tea teal ted tee temple ten tennessee terra tess texas thai than thanks the then they this
  thor thorn tho thu thy tide tie ties tiger til till time tin tina's tip tips to today todd toll tom tone tool top topaz topic tor tore total town trace track trail travis tree trent tri trinity trip trooper troy true trust truth
  tuesday tulip tune turk turkey turner tuva two ty tyler unique unity up upton urban us usa user valencia valley van vance vas vaughan velvet venice venus verb vermont vernon verona verse very vet via victor victoria victory vienna viola violet virginia
  vista vita viva wade wait wales walk walker wall walter wan wang war ward ware warm warner wars was washington water wave wax way we wealth web wednesday week weekend welcome well wellington went west wet what wheat wheeler when white
  who why wild will willow win wind windy wine wing winner winter wise wish wit with wolf wood woods wool word work world worth wren wright year yen yes young you your zen zero zion zone
  monica's sarah's hong thi sen ion lux gil jess tuan ren ana ari don't it's i'm that's alexa siri cortana mai nora's ha mia's sara's ye ming's kay kaya amor
  person people customer client agent manager support service sales reservation
`);

/** After "my name is" and the like these are no names, and they end one. */
export const NO_NAME = set(`
  a about above abroad absolutely account across actually afraid after afternoon again against ago agent ahead alexa's all almost already alright also although always am an and angry
  another any anybody anyone anything anyway apparently are around as ask asked asking assistant at available away back bad be because been before behind being believe below best better
  between big bill billing both broken busy but by call called caller calling came can can't cancel cannot card care certainly change changed check clear close come coming completely
  concerned confused correct could couldn't currently customer dear definitely did didn't different do does doesn't doing don't done down due during each either else email enough even evening ever
  every everyone everything exactly excited fine first for free from full get getting give glad go going good got great guess had happening happy has hasn't have having he he'd he'll he's hello help her here
  here's hers hey hi him his home hope how how's i i'd i'll i'm i've if in incorrect indeed instead interested into is isn't it it's its just keep kind know last late later leaving let let's like
  listed little locked long look looking lost lot made make making many may maybe me mean might mine missing moment more morning most moving much must my name named near need needing never new next nice
  night no nobody none not nothing now number of off oh ok okay old on once one only open or order other our ours out over own paid pay paying perfect phone please possible probably put
  quite ready really regarding ridiculous right said same say saying see she she'd she'll she's should since sir so some somebody someone something soon sorry speaking spelled spelt still stuck such sure take taking talk talking thank
  thanks that that's the their theirs them then there there's these they they're thing think this those though through time tired to today tomorrow tonight too trying two unable under
  unfortunately until up upset us very wait waiting want wanted wanting was wasn't we we'll we're we've welcome well were weren't what what's when where whether which while who who's whole
  whom whose why will wish with without won't wondering working worried would wouldn't wrong yeah yep yes yesterday yet you you'd you'll you're you've your yours yup
  madam ma'am everybody folks guys team all sir miss mister mrs mr ms dr doctor professor
  premium plus error issue problem question plan booking reservation appointment dental clinic reception accounts office department company bank hotel
  monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november december
  available terrible awful amazing excellent wonderful lovely unacceptable urgent important impossible interesting true false fair enough everything
  iban nacio naci nee nato dob card visa amex dot at and zero oh double triple three four five six seven eight nine ten twenty thirty forty fifty sixty seventy eighty ninety hundred
  spell spelling address born date birth social security ssn mobile cell postcode zip street road avenue
  le les des du un une et est je pas der das und ist ich nicht ein eine mit no es el los las y soy il lo e sono non di che
`);

/** Between the parts of a name, in lower case too. */
export const PARTICLES = set(
  'de da do dos das del della di van von der den ter la le bin ibn al el ben bint abu st',
);

/** What called after a person begins and ends with is a place, a house or a thing. */
export const PLACE_BEGINS = set('san santa santo los las fort mount lake port saint');
export const PLACE_ENDS = set(`
  airport apartments arena bakery bar bay beach bistro boulevard bridge building cafe campus castle cathedral center centre church cinema city clinic club college company court cuisine
  diner drive estate festival field foundation gallery garden gardens grill hall harbor hill hills hospital hotel house inn institute island kitchen lake library lodge lounge mall market
  method motel museum office palace park pharmacy pizza place plaza pub resort restaurant ristorante river road salon school shop spa square stadium station steakhouse store street studio
  suites tavern technique terminal theater theatre tower trattoria university valley winery zoo avenue award prize trophy syndrome
`);
