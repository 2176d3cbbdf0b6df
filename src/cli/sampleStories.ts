/** What the sample calls are about: each story a conversation with alternatives, and with {values} chosen per call. */

/** What the caller says and what the agent answers, in several wordings; `chance` that it comes up at all. */
export interface Exchange {
  caller: readonly string[];
  agent: readonly string[];
  chance?: number;
}

export interface Story {
  topic: string;
  values: Readonly<Record<string, readonly string[]>>;
  greeting: readonly string[];
  /** At least two of them always come up. */
  exchanges: readonly Exchange[];
  thanks: readonly string[];
  goodbye: readonly string[];
}

const NAMES = [
  'Alma Reyes',
  'Jonas Pike',
  'Mina Okafor',
  'Theo Lindqvist',
  'Rosa Calder',
  'Idris Vaughn',
  'Nell Haddad',
  'Piotr Zander',
];
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const THANKS = [
  'Great, thank you very much.',
  'Perfect, that is all I needed.',
  'Lovely, thanks for your help.',
  'All right, thank you. Bye.',
];
const GOODBYE = [
  'You are welcome. Have a nice day!',
  'My pleasure. Goodbye!',
  'Glad I could help. Take care!',
];

export const STORIES: readonly Story[] = [
  {
    topic: 'restaurant',
    values: {
      name: NAMES,
      day: DAYS,
      count: ['two', 'three', 'four', 'five', 'six'],
      time: ['half past six', 'seven', 'a quarter past seven', 'eight'],
      later: ['half past eight', 'nine'],
    },
    greeting: [
      'Good evening, Casa Verdal, how can I help you?',
      'Casa Verdal, good afternoon. What can I do for you?',
    ],
    exchanges: [
      {
        caller: [
          'Hi, I would like to book a table for {count} on {day}.',
          'Hello, do you still have a table for {count} people this {day}?',
        ],
        agent: [
          'With pleasure. What time would you like to come on {day}?',
          'On {day} we still have room for {count}. At what time, please?',
        ],
      },
      {
        caller: ['Around {time} in the evening would be great.', 'Could we come at {time}, please?'],
        agent: [
          'I can offer you {time} by the window. May I have your name?',
          'At {time} we are full, but {later} is free. Under which name may I book it?',
        ],
      },
      {
        caller: ['My name is {name}.', 'Please put it under {name}.'],
        agent: [
          'Thank you. I have noted a table for {count} on {day} under {name}.',
          'Wonderful, {name}, your table for {count} is reserved.',
        ],
      },
      {
        chance: 0.6,
        caller: [
          'One of us eats no gluten. Is that a problem?',
          'Do you have anything without meat on the menu?',
        ],
        agent: [
          'Not at all, half of our dishes can be made without gluten.',
          'Yes, we have five vegetarian dishes, and the kitchen can adapt others.',
        ],
      },
      {
        chance: 0.4,
        caller: ['Is there somewhere to park near the restaurant?', 'And where do we leave the car?'],
        agent: [
          'There is a car park behind the house, free after six in the evening.',
          'The garage in Miller Lane is two minutes away, and we stamp your ticket.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: ['We look forward to seeing you. Goodbye!', ...GOODBYE],
  },
  {
    topic: 'delivery',
    values: {
      name: NAMES,
      order: ['A-48213', 'A-51907', 'B-10442', 'C-77350'],
      day: DAYS,
      item: ['a desk lamp', 'two pairs of shoes', 'a coffee grinder', 'a winter coat'],
    },
    greeting: [
      'Welcome to Northwind Parcels, what can I do for you?',
      'Northwind Parcels, hello. How may I help?',
    ],
    exchanges: [
      {
        caller: [
          'I ordered {item} last week and it still has not arrived.',
          'Hello, where is my parcel? It was to come on {day}.',
        ],
        agent: [
          'I am sorry about that. Could you tell me the order number, please?',
          'Let me look into it for you. What is your order number?',
        ],
      },
      {
        caller: ['It is {order}, in the name of {name}.', 'The number is {order}.'],
        agent: [
          'Thank you. I see that {order} is in our depot and goes out on {day}.',
          'The driver could not find the bell, so {order} was taken back to the depot.',
        ],
      },
      {
        chance: 0.6,
        caller: ['Can you bring it to my office instead?', 'Is it possible to change the address?'],
        agent: [
          'Of course. Please send us the new address by replying to our text message.',
          'Yes, until ten this evening you can change it with the link in our email.',
        ],
      },
      {
        chance: 0.5,
        caller: ['I will not be at home on {day}.', 'What happens if nobody opens the door?'],
        agent: [
          'Then we leave it with a neighbour and put a card in your letter box.',
          'We can keep it in the parcel shop for seven days. Shall I arrange that?',
        ],
      },
      {
        chance: 0.4,
        caller: ['Yes, please do that.', 'And will I get my shipping costs back?'],
        agent: [
          'I have noted it for you. You get a message as soon as it is there.',
          'Since it is our fault, I refund the shipping costs within three days.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
  {
    topic: 'internet outage',
    values: {
      name: NAMES,
      light: ['red', 'orange', 'off'],
      street: ['Harbour Road', 'Elm Terrace', 'Station Square'],
      hour: ['three', 'five', 'six'],
    },
    greeting: [
      'Brightline Internet, technical support, how can I help?',
      'Hello, this is Brightline support. What is the matter?',
    ],
    exchanges: [
      {
        caller: [
          'My internet has been down since this morning.',
          'Nothing loads any more, neither on my phone nor on my laptop.',
        ],
        agent: [
          'I am sorry to hear that. What colour is the light on your router?',
          'That is annoying. Could you look whether the router shows a light?',
        ],
      },
      {
        caller: ['The light is {light}.', 'I can see it is {light}, and it used to be green.'],
        agent: [
          'Please unplug the router, wait thirty seconds and plug it in again.',
          'Then let us restart it: pull the plug, count to thirty, put it back.',
        ],
      },
      {
        chance: 0.7,
        caller: ['I did that, but it is still {light}.', 'Done. It blinks now, but there is no connection.'],
        agent: [
          'Thank you for trying. I see a fault in {street}; our technicians are on it.',
          'Then it is the line. I measured it just now and I do not reach your router.',
        ],
      },
      {
        chance: 0.6,
        caller: ['When will it work again?', 'How long is that going to take?'],
        agent: [
          'We expect it to work again by {hour} this afternoon.',
          'As a rule within four hours. We send you a message when it is done.',
        ],
      },
      {
        chance: 0.5,
        caller: [
          'I work from home. Will I get some money back?',
          'Do I have to pay for the days without internet?',
        ],
        agent: [
          'For every whole day without service we credit you one thirtieth of the month.',
          'No, {name}, the days without service come off your next bill by themselves.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
  {
    topic: 'appointment',
    values: {
      name: NAMES,
      day: DAYS,
      time: ['nine thirty', 'ten o’clock', 'a quarter to twelve', 'half past two', 'four o’clock'],
      doctor: ['Dr. Amari', 'Dr. Holst', 'Dr. Quist'],
    },
    greeting: ['Riverside Dental, good morning.', 'Riverside Dental Practice, how can I help you?'],
    exchanges: [
      {
        caller: [
          'Hello, I need an appointment with {doctor}, please.',
          'Good morning, I have had a toothache since yesterday and need an appointment.',
        ],
        agent: [
          'Have you been to our practice before?',
          'I am happy to find you one. Are you a patient of {doctor}?',
        ],
      },
      {
        caller: ['Yes, my name is {name}.', 'No, it is my first time. I am {name}.'],
        agent: [
          'Thank you, {name}. Would {day} at {time} suit you?',
          'I can offer you {day} at {time}. Does that work for you?',
        ],
      },
      {
        chance: 0.5,
        caller: [
          'I have to work then. Do you have something earlier?',
          'That is difficult. Is there anything on another day?',
        ],
        agent: [
          'A patient has just cancelled: tomorrow at eight is free.',
          'We have a slot for urgent cases every day at noon. Shall I put you down?',
        ],
      },
      {
        chance: 0.8,
        caller: ['Yes, that works. I will take it.', 'That fits well, please book it for me.'],
        agent: [
          'Good, it is booked. Please bring your insurance card.',
          'You are down with {doctor}. Please come ten minutes early.',
        ],
      },
      {
        chance: 0.4,
        caller: ['May I take a painkiller until then?', 'Should I eat nothing before the treatment?'],
        agent: [
          'I may not advise you on medicine, but your pharmacy can tell you at once.',
          'You may eat as usual; just do not forget to brush your teeth.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: ['Get well soon, and goodbye!', ...GOODBYE],
  },
  {
    topic: 'bank card',
    values: {
      name: NAMES,
      digits: ['4821', '0093', '7716', '3350'],
      shop: ['a petrol station', 'an online shop', 'a hotel abroad'],
      amount: ['48 dollars', '129 dollars', '310 dollars'],
    },
    greeting: [
      'Meridian Bank card service, how may I help you?',
      'Meridian Bank, good day. What can I do for you?',
    ],
    exchanges: [
      {
        caller: [
          'I have lost my bank card and would like to block it.',
          'There is a payment of {amount} at {shop} that I did not make.',
        ],
        agent: [
          'I take care of it at once. What are the last four digits of the card?',
          'Thank you for calling so quickly. Which card is it? The last four digits will do.',
        ],
      },
      {
        caller: ['They are {digits}.', 'It ends in {digits}, and I am {name}.'],
        agent: [
          'The card ending in {digits} is blocked now. Nobody can pay with it any more.',
          'Thank you. I have blocked {digits}; please never tell anyone your PIN, not even us.',
        ],
      },
      {
        chance: 0.7,
        caller: ['How do I get a new one?', 'When will the new card be here?'],
        agent: [
          'It comes by post within five working days, and the PIN in a letter of its own.',
          'Until it arrives you can pay with your phone: the new card is in our app already.',
        ],
      },
      {
        chance: 0.5,
        caller: ['Will I get back what was taken?', 'And what about the {amount}?'],
        agent: [
          'Please fill in the form in our app. Then we pay it back within ten days.',
          'We look into every payment that you dispute, and as a rule you get it back.',
        ],
      },
      {
        chance: 0.4,
        caller: ['Does the new card cost anything?', 'Do I have to pay for that?'],
        agent: ['No, a new card is free after a loss.', 'The first replacement in a year is free of charge.'],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
  {
    topic: 'hotel',
    values: {
      name: NAMES,
      nights: ['two nights', 'three nights', 'a week'],
      day: DAYS,
      room: ['double room', 'single room', 'family room'],
      price: ['94', '118', '140'],
    },
    greeting: [
      'Hotel Lindenhof, reception, good afternoon.',
      'Good evening, this is Hotel Lindenhof. How may I help you?',
    ],
    exchanges: [
      {
        caller: [
          'Do you have a {room} for {nights}, from {day}?',
          'I would like to book a {room} from {day}, for {nights}.',
        ],
        agent: [
          'Yes, a {room} is free. It costs {price} dollars a night with breakfast.',
          'From {day} I can offer you a {room} at {price} dollars a night.',
        ],
      },
      {
        caller: ['That sounds good. My name is {name}.', 'I will take it, for {name}, please.'],
        agent: [
          'Thank you, {name}. You receive our confirmation by email.',
          'It is booked. You can cancel free of charge until two days before.',
        ],
      },
      {
        chance: 0.6,
        caller: ['May I bring my dog with me?', 'Are pets allowed in your hotel?'],
        agent: [
          'Dogs are welcome; we charge twelve dollars a night for cleaning.',
          'In the rooms on the ground floor they are. I have moved you there.',
        ],
      },
      {
        chance: 0.6,
        caller: ['We will arrive late, about midnight.', 'Is somebody there when we come after ten?'],
        agent: [
          'No problem, the reception is open day and night.',
          'After ten you find your key in the box by the door; we send you the code.',
        ],
      },
      {
        chance: 0.4,
        caller: ['How do we get to you from the station?', 'Is it far from the station to you?'],
        agent: [
          'Take tram number four to the theatre; from there it is a minute’s walk.',
          'It is ten minutes on foot, or we pick you up for eight dollars.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: ['We look forward to your stay!', ...GOODBYE],
  },
  {
    topic: 'electricity bill',
    values: {
      name: NAMES,
      number: ['20-4471', '20-9038', '31-1256'],
      month: ['August', 'September', 'October'],
      amount: ['84 dollars', '112 dollars', '187 dollars'],
    },
    greeting: [
      'Halden Energy, customer service, hello.',
      'You are speaking to Halden Energy. How can I help you?',
    ],
    exchanges: [
      {
        caller: [
          'My bill for {month} is {amount}, and that cannot be right.',
          'I do not understand my bill for {month}.',
        ],
        agent: [
          'Let us look at it together. What is your customer number?',
          'I understand. Could you give me your customer number, please?',
        ],
      },
      {
        caller: ['It is {number}, {name}.', 'One moment … it is {number}.'],
        agent: [
          'Thank you. I see that the meter was only estimated in {month}.',
          'I have your bill here. It holds a payment for two months, hence {amount}.',
        ],
      },
      {
        chance: 0.7,
        caller: ['And what can I do about that?', 'Can that be put right?'],
        agent: [
          'Read the meter today and tell us in our app; then we send you a new bill.',
          'I correct it right away. The new bill is with you in three days.',
        ],
      },
      {
        chance: 0.5,
        caller: ['Could I pay it in three parts?', 'I cannot pay all of that at once.'],
        agent: [
          'Yes, we can divide it into three monthly payments without interest.',
          'We find a way: pay a third now and the rest over two months.',
        ],
      },
      {
        chance: 0.4,
        caller: ['I am also moving next month. What do I have to do?', 'How do I give notice when I move?'],
        agent: [
          'Tell us the day and the new address; two weeks before is early enough.',
          'You can take your contract with you. I send you the form by email.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
  {
    topic: 'bicycle repair',
    values: {
      name: NAMES,
      part: ['the rear brake', 'the chain', 'the front light', 'a flat tyre'],
      day: DAYS,
      price: ['25', '40', '65'],
    },
    greeting: ['Spoke and Wheel, hello, how can I help?', 'Bicycle workshop Spoke and Wheel, good morning.'],
    exchanges: [
      {
        caller: [
          'Something is wrong with {part} of my bicycle. Can you repair it?',
          'Hello, do you also repair electric bicycles? It is {part}.',
        ],
        agent: [
          'Certainly. Could you bring it in on {day}?',
          'Yes, we do. When could you bring it to us? {day} would be good.',
        ],
      },
      {
        caller: ['{day} is fine. What will it cost, roughly?', 'I can come then. How much do you charge?'],
        agent: [
          'About {price} dollars with the work, if no other part is broken.',
          'We reckon with {price} dollars, and call you if it is going to be more.',
        ],
      },
      {
        chance: 0.6,
        caller: ['How long do you need for it?', 'When can I pick it up again?'],
        agent: [
          'If you bring it before noon, it is ready the next day.',
          'As a rule it takes two days; we send you a message.',
        ],
      },
      {
        chance: 0.5,
        caller: [
          'Do you have a bicycle that I can use meanwhile?',
          'I need it to get to work. Do you lend bicycles?',
        ],
        agent: [
          'Yes, for six dollars a day you can take one of ours.',
          'We have two for our customers, free of charge. I reserve one for you.',
        ],
      },
      {
        chance: 0.5,
        caller: ['Could you look at the gears as well?', 'And please check the tyres, too.'],
        agent: [
          'With pleasure, a check of the whole bicycle is fifteen dollars more.',
          'I have noted it, {name}. We go over everything that matters for safety.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
];
