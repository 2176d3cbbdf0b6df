/** Frequent names that the lists of scripts/nameList.ts lack: mostly of parts of the world that they cover thinly. */

export const FURTHER_GIVEN_NAMES = `
  abdul abdullah abdulrahman abebe adebayo adewale aditya ahmad ahmed aisha ajay akira akiko alejandra alejandro alhassan ali
  aliyu almaz amara amina amir amit ananya anjali ankit anil arjun aryan asha ashok ayaan ayesha aziz babak bashir bilal bintou
  blessing bongani boris chiamaka chidi chike chinedu chioma chukwudi dae deepak deepika dimitri dmitri dmitry duc ebele emeka
  esi faisal farah farhan farid faruk fatima fatou fatoumata femi folake funmi gaurav ganesh girish habiba hadiza hamid hamza
  haruki haruto hassan hideo hiro hiroko hiroshi hoang huda hussain hussein ibrahim ifeoma ikram imran ismail jamal jamila
  jaswinder ji-woo jing joao jiho junichi kamala karim karthik kaveh kavita keiko kenji khadija khalid kiran kofi kojo krishna
  kumar kwabena kwame kwasi lakshmi lanh layla leila lerato linh madhu mahmoud malik manish manoj mariam maryam masako mehmet
  mei meera min-jun ming mitsuko mohamed mohammad mohammed muhammad mustafa nadia nasser naveen neha ngozi nia nikhil nimmi
  nisha nkechi noor nneka obinna oluwaseun omar omari osman parvati pooja pradeep prakash preeti priya priyanka qiang rachana
  raj rajesh rakesh ramesh rashid ravi reza rohan rohit rukhsana sadia saeed sakura salim samira sandeep sanjay satoshi seo-yeon
  sergei shanti shreya sibusiso sipho sunita suresh svetlana takashi takumi tariq temitope thabo thandiwe tunde uchenna umar usha
  vijay vikram vinod wanjiru wei xiang xiaoming yan yasmin yasmine youssef yuki yuko yusuf zahra zainab zanele zeynep
  tanya tasha tyrone dwayne darnell latoya lakisha deshawn jamar shanice keisha kiara beth liz kate katie meg becky mandy debbie
  mike steve dave jim joe bob bobby tom tommy tony ben sam samantha nick matt greg jeff jon jonny ken kenny ron ronnie rick ricky
  larry barry terry gary harry jerry andy randy wendy cindy mindy sandy cathy kathy peggy maggie abby jenny penny nancy susie
  consuela consuelo esperanza guadalupe jesus luz rocio xiomara yolanda siobhan niamh aoife saoirse caoimhe eoin cillian padraig
`;

export const FURTHER_SURNAMES = `
  abebe abdi abubakar achebe acheampong adebayo adeyemi adeleke ade agarwal aggarwal ahmed akhtar akintola ali amadi an ansah
  appiah arora asante ashraf ayodele babu bae bai balogun banda banerjee bano begum bekele bhatt bhattacharya bello boateng bose
  bui cao chakraborty chan chanda chandra chang chatterjee chaudhary chen cheng cheung chiang chin cho choi chopra choudhury chow
  chowdhury chu chukwu chung dang das datta desai deshmukh devi dhillon diallo diop dlamini do doan dong dutta eze fan fang feng
  fernandes fofana fu gao gandhi ghosh gill goh gomez gong gonzales goyal guo gupta haddad hakimi han hashemi hassan he ho hoang
  hong hosseini hou hsieh hsu hu huang hung hussain hussein huynh hwang ibrahim iqbal islam iyer jain jang javed jha jiang jin
  joshi joseph jung kamara kang kapoor karimi kato kaur keita khan khatun kim kimura ko kobayashi koh kohli krishnan kulkarni
  kumar kuroda kwon lai lam lau le lee lei leung li liang liao lim lin liu lo lu luo luong ma mahlangu mahmood mahmoud malhotra
  malik mandal mathew matsumoto mbeki mehta menon mensah mishra mitra mohamed mohammadi moyo mukherjee mwangi naidu nair nakamura
  nandi nasser ndiaye ng ngo nguyen nkosi novak obi odhiambo ochieng okafor okeke okeya okonkwo okoro okoye olawale oluwole
  onyango oh osei otieno ouyang owusu pandey park patel patil pham phan pillai prasad qian qureshi raman rao rashid reddy ren roy
  rajan ramaswamy sahin said saito sato sasaki salah saleh sani sen seo sesay sethi shah sharma sheikh shen shetty shin shrestha
  siddiqui singh sinha song soto subramanian suleiman sun sung suzuki takahashi tan tanaka tang tao thakur thapa tian toure tran
  traore trinh truong tshabalala tsai tseng tuan uddin varma venkatesh verma vo vu wang watanabe wei wen weng wong wu xia xiao xie
  xu yadav yamada yamaguchi yamamoto yan yang yao ye yeo yi yilmaz yin yoon yoshida you yu yuan yun yusuf zaman zeng zhang zhao
  zheng zhong zhou zhu zulu el-sayed haddad khoury mansour nasr rahman sabbagh
  whitfield thompson clarke kelly macgregor connor wilson mclean macdonald mackenzie obrien oconnor oneill sullivan
  garcia gonzalez rodriguez fernandez lopez martinez sanchez perez gomez martin jimenez ruiz hernandez diaz moreno alvarez munoz
  romero alonso gutierrez navarro torres dominguez vazquez ramos gil ramirez serrano blanco molina morales suarez ortega delgado
  castro ortiz rubio marin sanz iglesias nunez medina garrido cortes castillo santos lozano guerrero cano prieto mendez cruz
  dasilva silva souza costa oliveira pereira ferreira alves ribeiro carvalho gomes ivanov ivanova petrov petrova volkov volkova
  sokolov sokolova popov popova smirnov smirnova kuznetsov kuznetsova popescu ionescu novotny novotna kowalski kowalska nowak
  lefebvre dubois durand moreau laurent simon michel bernard petit rossi ferrari russo bianchi romano colombo ricci marino greco washington jackson jefferson franklin hamilton lincoln hunter
`;
